"""The hardware in Amaranth: leaf components, router, network interface, tile and fabric."""
