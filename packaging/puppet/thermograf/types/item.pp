# SPDX-License-Identifier: Apache-2.0
#
# @summary Item of a list: Thermograf::Text, and no "#" at its beginning, which makes a comment of a line that continues a long list.
type Thermograf::Item = Pattern[/\A(?![;#])(?!.*\s;)[^\r\n]*\z/]
