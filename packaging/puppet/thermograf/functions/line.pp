# SPDX-License-Identifier: Apache-2.0
#
# @summary One key of an INI file with its value.
#
# A line has at most 199 bytes; the items of a longer list go on in indented lines.
#
# @param key    the key
# @param value  not undef
# @return       without a line feed at its end
function thermograf::line(String $key, Thermograf::Value $value) >> String {
  $items = $value ? {
    true    => ['yes'],
    false   => ['no'],
    Array   => $value,
    default => [$value],
  }
  $line = "${key} = ${items.join(' ')}"
  if $line.length > 199 {
    "${key} = ${items.join("\n    ")}"
  } else {
    $line
  }
}
