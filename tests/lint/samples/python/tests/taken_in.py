# SPDX-License-Identifier: Apache-2.0
def twice(a):
    unused = a  # CAUGHT
    return a + a
