"""The shop: four services. Each folder `v1` is a whole service; the other folders are what their version changes of it.

The code is run from artifacts (`lab.build`), never from here. A module of a later version replaces the one of the same
name, so it imports nothing but the kit and the standard library.
"""

PACKAGE = "shop_service"
"""Name of the package inside an artifact."""
