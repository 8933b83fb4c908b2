"""Random machines: hosts with power states, zones, clusters, routes that cost time, roles."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from xml.sax.saxutils import quoteattr

__all__ = ["Machine", "random_machine"]

_HEAD = (
    '<?xml version=\'1.0\'?>\n<!DOCTYPE platform SYSTEM "https://simgrid.org/simgrid.dtd">\n<platform version="4.1">'
)


@dataclass
class Machine:
    """A platform file and what a scheduler may do with its hosts.

    Attributes:
        xml: the platform file.
        argv: options of Batsim that belong to it.
        n_compute, n_hosts: number of compute hosts and of all hosts, as Batsim numbers them.
        n_computing: number of computing power states of each host.
        sleeps: sleeping power states of each host.
        asleep: hosts that begin in a sleeping state.
        can_trace: whether hosts may send messages to each other.
    """

    xml: str = ""
    argv: list[str] = field(default_factory=list)
    n_compute: int = 0
    n_hosts: int = 0
    n_computing: list[int] = field(default_factory=list)
    sleeps: list[list[int]] = field(default_factory=list)
    asleep: set[int] = field(default_factory=set)
    can_trace: bool = False


@dataclass
class _Host:
    """A host before it is numbered."""

    name: str
    attributes: str
    props: list[str]
    n_computing: int
    sleeps: list[int]
    pstate: int
    storage: bool = False

    def element(self) -> str:
        return f"<host id={quoteattr(self.name)} {self.attributes}>{''.join(self.props)}</host>"


def _prop(name: str, value: str) -> str:
    return f'<prop id="{name}" value="{value}"/>'


def _watts(d: Random) -> str:
    """Return idle and full, or idle, epsilon and full power of a state."""
    return ":".join(map(str, sorted(d.sample(range(20, 300), d.choice([2, 3])))))


def _power(d: Random) -> tuple[str, list[str], int, list[int]]:
    """Return the speeds, properties, number of computing states and sleeping states of a kind of host."""
    fastest = d.choice([100, 200, 50])
    speeds = [f"{fastest // (k + 1)}Mf" for k in range(d.choice([1, 2, 2, 3]))]
    n, sleeps, triples = len(speeds), [], []
    watts = [_watts(d) for _ in speeds]
    for k in range(d.choice([0, 1, 1, 1, 2])):
        speeds += ["1f", f"{d.choice([0.2, 0.5])}f", f"{d.choice([0.1, 0.25])}f"]
        watts += [f"{9 - k}:{9 - k}", "120:125", "110:115"]
        sleeps.append(n + 3 * k)
        triples.append(f"{n + 3 * k}:{n + 3 * k + 1}:{n + 3 * k + 2}")
    props = [_prop("wattage_per_state", ",".join(watts)), _prop("wattage_off", "5")]
    if triples:
        props.append(_prop("sleep_pstates", ",".join(triples)))
    return ",".join(speeds), props, n, sleeps


def _host(d: Random, name: str) -> _Host:
    speeds, props, n, sleeps = _power(d)
    pstate = d.choice([0] * 12 + [n - 1] + [*sleeps, 0][:1])
    attributes = f'speed="{speeds}" core="{d.choice([1, 1, 2, 4])}"' + (f' pstate="{pstate}"' if pstate else "")
    return _Host(name, attributes, props, n, sleeps, pstate)


def _hosts(d: Random, n: int) -> list[_Host]:
    """Return hosts that differ, or that are the same but for their names."""
    template = d.choice(["h{}", "h{}", "node-{}", "{}.site", "Z{}z"])
    seed, same = d.random(), d.random() < 0.5
    return [_host(Random(seed) if same else d, template.format(k)) for k in range(n)]


def _routed(d: Random, style: str, names: list[str]) -> str:
    """Return links and routes of one zone: none, a loopback of the master, or one to each host."""
    if style == "none":
        return ""
    delay = d.choice(["1ms", "15us", "10ms", "0.25s"])
    links = f'<link id="lo" bandwidth="498MBps" latency="{delay}"/>'
    routes = '<route src="master_host" dst="master_host"><link_ctn id="lo"/></route>'
    if style == "routes":
        delay = d.choice(["1ms", "10ms", "0.5s", "0"])
        links += "".join(f'<link id="l{k}" bandwidth="98MBps" latency="{delay}"/>' for k in range(len(names)))
        routes += "".join(
            f'<route src="master_host" dst={quoteattr(name)}><link_ctn id="l{k}"/></route>'
            for k, name in enumerate(names)
        )
    return links + routes


def _cluster(d: Random, n: int) -> tuple[str, list[_Host]]:
    """Return a cluster beside the zone of the master, and its hosts."""
    speeds, props, n_computing, sleeps = _power(d)
    backbone = f'bb_bw="{d.choice([1, 10])}GBps" bb_lat="{d.choice(["10us", "0.2s", "0"])}"' if d.random() < 0.6 else ""
    loopback = 'loopback_bw="1GBps" loopback_lat="1us"' if d.random() < 0.4 else ""
    first = d.choice([0, 8])
    cluster = (
        f'<cluster id="c" prefix="n" suffix=".c" radical="{first}-{first + n - 1}" speed="{speeds}" '
        f'core="{d.choice([1, 2, 4])}" bw="125MBps" lat="{d.choice(["50us", "0.1s"])}" {backbone} {loopback}>'
        f"{''.join(props)}</cluster>"
    )
    link = f'<link id="up" bandwidth="1GBps" latency="{d.choice(["100us", "0.3s", "0"])}"/>'
    own = _routed(d, d.choice(["none", "loop"]), [])
    xml = (
        f'<zone id="all" routing="Full"><zone id="adm" routing="Full"><host id="master_host" speed="1Gf"/>{own}</zone>'
        f"{cluster}{link}"
        '<zoneRoute src="adm" dst="c" gw_src="master_host" gw_dst="nc_router.c"><link_ctn id="up"/></zoneRoute></zone>'
    )
    return xml, [_Host(f"n{first + k}.c", "", [], n_computing, sleeps, 0) for k in range(n)]


def _zones(d: Random, hosts: list[_Host]) -> str:
    """Return two zones: the master's with some of the hosts, and one with the others, with properties of their own."""
    cut = d.randrange(len(hosts))
    near, far = hosts[:cut], hosts[cut:]
    links = f'<link id="up" bandwidth="1GBps" latency="{d.choice(["100us", "0.3s"])}"/>'
    gateway = quoteattr(far[0].name)
    routes = "".join(
        f'<route src={gateway} dst={quoteattr(host.name)}><link_ctn id="x{k}"/></route>'
        for k, host in enumerate(far[1:])
    )
    inner = "".join(f'<link id="x{k}" bandwidth="1GBps" latency="20us"/>' for k in range(len(far) - 1))
    return (
        f'<zone id="all" routing="Full">{_prop("site", "S")}{_prop("rank", "outer")}'
        f'<zone id="adm" routing="Full">{_prop("rank", "inner")}<host id="master_host" speed="1Gf"/>'
        f"{''.join(host.element() for host in near)}</zone>"
        f'<zone id="z" routing="Full">{_prop("cabinet", "7")}{"".join(host.element() for host in far)}'
        f'{inner}{routes}</zone>{links}<zoneRoute src="adm" dst="z" gw_src="master_host" gw_dst={gateway}>'
        '<link_ctn id="up"/></zoneRoute></zone>'
    )


def _give_roles(d: Random, hosts: list[_Host], options: list[str], own_props: bool) -> None:
    """Make some hosts storage, by property or by option, and leave at least one to compute."""
    if d.random() > 0.15 or len(hosts) < 2:
        return
    chosen = d.sample(hosts, d.randint(1, len(hosts) - 1))
    for host in chosen:
        host.storage = True
    if own_props and d.random() < 0.5:
        for host in chosen:
            host.props.append(_prop("role", "storage"))
    else:
        options += ["-r", f"{','.join(host.name for host in chosen)}:storage"]


def random_machine(d: Random, n: int) -> Machine:
    """Return a machine of n hosts besides the master."""
    style = d.choice(["none", "none", "none", "loop", "routes", "routes", "cluster", "zones"])
    m = Machine(can_trace=style == "none")
    if style == "cluster":
        xml, hosts = _cluster(d, n)
        _give_roles(d, hosts, m.argv, False)
    else:
        hosts = _hosts(d, n)
        _give_roles(d, hosts, m.argv, True)
        if style == "zones":
            xml = _zones(d, hosts)
        else:
            own = "".join(host.element() for host in hosts)
            routes = _routed(d, style, [host.name for host in hosts])
            xml = f'<zone id="main" routing="Full"><host id="master_host" speed="1Gf"/>{own}{routes}</zone>'
    if d.random() < 0.1:
        xml = xml.replace("master_host", "boss")
        m.argv += ["-m", "boss"]
    m.xml = f"{_HEAD}{xml}</platform>"
    hosts.sort(key=lambda host: (host.storage, host.name.encode()))
    m.n_hosts, m.n_compute = n, sum(not host.storage for host in hosts)
    m.n_computing = [host.n_computing for host in hosts]
    m.sleeps = [host.sleeps for host in hosts]
    m.asleep = {k for k, host in enumerate(hosts) if host.pstate >= host.n_computing}
    return m
