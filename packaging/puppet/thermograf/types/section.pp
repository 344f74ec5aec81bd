# SPDX-License-Identifier: Apache-2.0
#
# @summary Keys and values of one section of an INI file.
type Thermograf::Section = Hash[Pattern[/\A[A-Za-z_][^=:;\s\r\n]*\z/], Thermograf::Value]
