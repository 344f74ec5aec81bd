# SPDX-License-Identifier: Apache-2.0
[ "$1" == "$2" ] # CAUGHT
