# SPDX-License-Identifier: Apache-2.0
#
# @summary Text that is one value of an INI file: one line, and no ";" at its beginning or after a blank, which would begin a comment.
type Thermograf::Text = Pattern[/\A(?!;)(?!.*\s;)[^\r\n]*\z/]
