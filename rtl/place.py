"""Place components: themselves for simulation, instances of one shared module for Verilog."""

from __future__ import annotations

from typing import Any

from amaranth.back import rtlil
from amaranth.hdl import ClockSignal, Instance, Module, ResetSignal, Signal, Value
from amaranth.hdl._ir import PortDirection
from amaranth.lib import wiring

Ports = dict[str, tuple[Value, PortDirection]]


class Library:
    """Modules of one Verilog file, handed down as Amaranth's ``platform``.

    A component is converted when it is placed for the first time; every placement, the first
    included, is an ``Instance`` of its module. A component names its module in ``module``.
    """

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self._ports: dict[str, dict[str, int]] = {}

    def convert(self, component: Any, ports: Ports) -> None:
        """Add the component's module, and those that it places, unless they are here.

        Raises
        ------
        ValueError
            When two components with different ports share a module name.
        """
        widths = {name: len(value) for name, (value, _) in ports.items()}
        if self._ports.setdefault(component.module, widths) != widths:
            raise ValueError(f"module {component.module} is used for two sets of ports")
        if component.module not in self.texts:
            self.texts[component.module] = ""  # keeps its place; nothing places itself
            _rename(ports, "")
            self.texts[component.module] = rtlil.convert(
                component, name=component.module, platform=self, ports=ports, emit_src=False
            )

    def instance(self, component: Any, ports: Ports) -> Instance:
        """An instance of the component's module, wired to the component's own signals."""
        self.convert(component, ports)
        component._MustUse__used = True  # converted once, so most are never elaborated
        wires: dict[str, Any] = {
            ("i_" if direction is PortDirection.Input else "o_") + name: value
            for name, (value, direction) in ports.items()
        }
        for pin, signal in (("clk", ClockSignal()), ("rst", ResetSignal())):
            if f" \\{pin}\n" in self.texts[component.module]:
                wires[f"i_{pin}"] = signal
        return Instance(component.module, **wires)


def flat_ports(component: Any) -> Ports:
    """Ports of a component by flat name: member names joined with one underscore."""
    ports = {}
    for path, member, value in component.signature.flatten(component):
        direction = PortDirection.Input if member.flow == wiring.In else PortDirection.Output
        ports["_".join(map(str, path))] = (Value.cast(value), direction)
    return ports


def name_ports(component: Any, prefix: str) -> None:
    """Name the signals of a component's ports as the ports, behind ``prefix``."""
    _rename(flat_ports(component), prefix)


def place(m: Module, platform: object, name: str, component: Any) -> Any:
    """Make ``component`` a submodule called ``name`` and return it, for use of its members.

    Its signals are renamed ``<name>_<port>``, so that waves can be read.
    """
    ports = flat_ports(component)
    if isinstance(platform, Library):
        m.submodules[name] = platform.instance(component, ports)
    else:
        m.submodules[name] = component
    _rename(ports, f"{name}_")
    return component


def _rename(ports: Ports, prefix: str) -> None:
    for port, (value, _) in ports.items():
        if isinstance(value, Signal):
            value.name = prefix + port
