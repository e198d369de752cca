"""The golden model: specification, defects, repair, routes, tables and the cycle-exact engine."""
