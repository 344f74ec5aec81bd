# SPDX-License-Identifier: Apache-2.0
#
# @summary A value of an INI file. true and false become yes and no, lists words with blanks between; a key with undef is left out.
type Thermograf::Value = Optional[Variant[
    Thermograf::Text,
    Numeric,
    Boolean,
    Array[Variant[Thermograf::Item, Numeric]],
]]
