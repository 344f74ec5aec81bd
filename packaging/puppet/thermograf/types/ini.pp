# SPDX-License-Identifier: Apache-2.0
#
# @summary Sections of an INI file, by what stands between the brackets.
type Thermograf::Ini = Hash[Pattern[/\A[^\]\r\n]+\z/], Thermograf::Section]
