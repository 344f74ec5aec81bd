# SPDX-License-Identifier: Apache-2.0
#
# @summary Name of an output, a probe or a secret: it becomes part of a file's name or of a header, which have room for 42.
type Thermograf::Name = Pattern[/\A[A-Za-z][A-Za-z0-9_-]{0,41}\z/]
