"""cocotb benches for the whole fabric and for one tile.

Host side (pytest, commands): :mod:`~verif.bench.launch`, :mod:`~verif.bench.scoreboard`,
:mod:`~verif.bench.campaign`, :mod:`~verif.bench.window`. Simulator side: pins, drivers, monitors,
:mod:`~verif.bench.fabric`, :mod:`~verif.bench.tile` and the modules ``*_cases`` that hold the
cocotb tests. A :class:`~verif.bench.case.Case` goes in, a :class:`~verif.bench.case.Outcome` comes
back; what is right or wrong about it is decided on the host.
"""
