"""Brokers as processes, each with a proxy in front of the listener that the services use.

One node, or three combined ones with everything replicated. Two listeners each: what the harness
itself and the other nodes use is direct, what clients of the services use goes through the proxy.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from infra.embedded import ports
from infra.embedded.kafka.server import Kafka, new_cluster_id
from infra.embedded.process import Child, Spawn
from tests.faults.harness.proxy import Passing, Proxy, Tap
from tests.harness.services import pause
from tests.harness.waiting import wait_until

_LOOPBACK = ports.LOOPBACK


class Broker:
    """One node."""

    def __init__(self, kafka: Kafka, proxy: Proxy, spawn: Spawn) -> None:
        self.kafka = kafka
        self.proxy = proxy
        self._spawn = spawn
        self.process: Child | None = None
        self._paused = False

    def start(self) -> None:
        """Start it, and return when it answers; in a cluster, when a majority of the nodes runs."""
        self.process = self.kafka.start(self._spawn)

    def pause(self) -> None:
        """Stop it: its connections stay open and carry nothing."""
        assert self.process
        pause(self.process)
        self._paused = True

    def kill(self) -> None:
        assert self.process
        self.process.kill()
        self.process.wait()
        self._paused = False

    @property
    def answers(self) -> bool:
        """Whether it runs and is not paused."""
        return self.process is not None and self.process.poll() is None and not self._paused


class Cluster:
    """All nodes of one cluster.

    Args:
        brokers: Its nodes; none where another run of the tests owns them.
        direct: Bootstrap servers of the harness.
        through_proxies: Bootstrap servers of the services.
    """

    def __init__(self, brokers: list[Broker], direct: str = "", through_proxies: str = "") -> None:
        self.brokers = brokers
        self._direct = direct
        self._through_proxies = through_proxies

    def start(self, which: list[Broker] | None = None) -> None:
        """Start nodes at once, since a majority is needed before any of them answers."""
        with ThreadPoolExecutor(len(self.brokers)) as pool:
            list(pool.map(Broker.start, which or self.brokers))
        client = AdminClient({"bootstrap.servers": self.direct, "log_level": 0})
        wanted = len(
            [broker for broker in self.brokers if broker.process and broker.process.poll() is None]
        )
        wait_until("the nodes have found together", lambda: _known(client) == wanted)

    def repair(self) -> None:
        """Start the nodes that a failed test has left dead or paused."""
        if silent := [broker for broker in self.brokers if not broker.answers]:
            for broker in silent:
                broker.kill()
            self.start(silent)

    @property
    def direct(self) -> str:
        return self._direct or ",".join(broker.kafka.address for broker in self.brokers)

    @property
    def through_proxies(self) -> str:
        return self._through_proxies or ",".join(broker.proxy.address for broker in self.brokers)

    def close(self) -> None:
        for broker in self.brokers:
            broker.proxy.close()


def _known(client: AdminClient) -> int:
    try:
        return len(client.list_topics(timeout=1).brokers)
    except KafkaException:
        return 0


def cluster(
    folder: Path,
    nodes: int,
    java: Path,
    jars: list[Path],
    spawn: Spawn,
    tap: Callable[[], Tap] = Passing,
) -> Cluster:
    """Prepare the brokers of a cluster without starting them."""
    homes = [folder / f"broker-{number}" for number in range(1, nodes + 1)]
    chosen = []
    for home in homes:
        home.mkdir(parents=True)
        chosen.append(ports.choose(home, "kafka", "kafka_controller", "proxied"))
        ports.remember(home, chosen[-1])
    voters = ",".join(
        f"{number}@{_LOOPBACK}:{node_ports['kafka_controller']}"
        for number, node_ports in enumerate(chosen, 1)
    )
    name = new_cluster_id()
    brokers = []
    for number, (home, node_ports) in enumerate(zip(homes, chosen, strict=True), 1):
        proxy = Proxy(node_ports["proxied"], tap)
        properties = {
            "node.id": str(number),
            "controller.quorum.voters": voters,
            **_listeners(node_ports, proxy.port),
            **_replication(nodes),
        }
        # Nodes that start at once would each install a password of their own.
        kafka = Kafka(home, java, jars, cluster=name, properties=properties, authenticate=False)
        brokers.append(Broker(kafka, proxy, spawn))
    return Cluster(brokers)


def _listeners(node_ports: dict[str, int], proxy: int) -> dict[str, str]:
    direct = f"PLAINTEXT://{_LOOPBACK}:{node_ports['kafka']}"
    return {
        "listeners": f"{direct},PROXIED://{_LOOPBACK}:{node_ports['proxied']},"
        f"CONTROLLER://{_LOOPBACK}:{node_ports['kafka_controller']}",
        "advertised.listeners": f"{direct},PROXIED://{_LOOPBACK}:{proxy}",
        "listener.security.protocol.map": (
            "PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT"
        ),
        "inter.broker.listener.name": "PLAINTEXT",
    }


def _replication(nodes: int) -> dict[str, str]:
    if nodes == 1:
        return {}
    return {
        "default.replication.factor": "3",
        "min.insync.replicas": "2",
        "offsets.topic.replication.factor": "3",
        "transaction.state.log.replication.factor": "3",
        "transaction.state.log.min.isr": "2",
        # Elections must be quick enough for a test, as they would be tuned for ingest.
        "controller.quorum.election.timeout.ms": "500",
        "controller.quorum.fetch.timeout.ms": "1000",
    }
