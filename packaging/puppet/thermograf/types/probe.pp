# SPDX-License-Identifier: Apache-2.0
#
# @summary A probe of the site's own, or settings of one that is shipped.
#   source:      where NAME.bpf.o comes from, as the parameter source of a file has it
#   description: NAME.ini as data, thermograf-probe(5)
#   settings:    its section [probe.NAME], thermograf.ini(5)
# source and description belong together.
type Thermograf::Probe = Variant[
  Struct[{ settings => Thermograf::Section }],
  Struct[{
      source             => String[1],
      description        => Thermograf::Ini,
      Optional[settings] => Thermograf::Section,
  }],
]
