"""The whole way from IMPORTED to CANONICAL."""

from collections.abc import Callable

from hypothesis import HealthCheck, given, settings

from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.ir import Graph, Stage, print_graph
from snncc.compiler.passes.base import run_passes
from snncc.compiler.passes.canonical import canonical_passes
from tests.compiler.passes.helpers import Net, Reference, canonical
from tests.compiler.passes.random_nets import networks

SLOW = settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@SLOW
@given(networks())
def test_passes_keep_the_function_of_random_networks(graph: Graph) -> None:
    reference = Reference(graph)
    try:
        after = run_passes(graph, canonical_passes(), lambda step, now: reference.check(now, 1e-4))
    except SnnccError:
        return
    assert after.stage is Stage.CANONICAL


@SLOW
@given(networks())
def test_each_pass_alone_keeps_the_function_of_random_networks(graph: Graph) -> None:
    reference = Reference(graph)
    for step in canonical_passes()[:-1]:
        reference.check(run_passes(graph, [step]), 1e-4)


@given(networks(6))
def test_the_same_network_gives_the_same_graph(graph: Graph) -> None:
    texts = set()
    for _ in range(2):
        try:
            texts.add(print_graph(run_passes(graph, canonical_passes())))
        except SnnccError as error:
            texts.add(str(error))
    assert len(texts) == 1


def test_concatenations_share_the_relus_of_their_parts() -> None:
    net = Net()
    first = net.conv(net.input(2, 4, 4), 2, 1, name="first")
    second = net.conv(net.relu(first), 2, 1, name="second")
    after = canonical(net.graph(net.conv(net.relu(net.concat(first, second)), 2, 1)))
    assert [node.op.name for node in after.nodes] == ["conv", "relu", "conv", "relu", "concat", "conv"]


def _residual() -> Graph:
    net = Net()
    x = net.affine(net.input(2, 6, 6), [[[2.0]], [[4.0]]], [[[-0.5]], [[0.25]]], name="normalize")
    first = net.batch_norm(net.conv(x, 4, 3, 1, 1, bias=False, name="stem"), name="stem_bn")
    first = net.relu(first, name="stem_relu")
    body = net.relu(net.batch_norm(net.conv(first, 4, 3, 1, 1, name="conv1"), name="bn1"), 6.0, name="relu1")
    body = net.batch_norm(net.conv(body, 4, 3, 1, 1, name="conv2"), name="bn2")
    body = net.relu(net.plus(body, first, name="add"), name="relu2")
    pooled = net.average_pool(body, 6, 6, name="pool")
    return net.graph(net.tail(net.dense(net.reshape(pooled, name="flat"), 3, name="fc"), name="softmax"))


def _preactivated() -> Graph:
    net = Net()
    stem = net.conv(net.input(2, 6, 6), 2, 3, 1, 1, name="stem")
    body = net.relu(net.batch_norm(stem, name="bn1"), name="relu1")
    body = net.plus(net.conv(body, 2, 3, 1, 1, name="conv1"), stem, name="add1")
    body = net.max_pool(net.relu(net.batch_norm(body, name="bn2"), name="relu2"), name="pool")
    head = net.average_pool(net.conv(body, 3, 1, name="head"), 3, name="mean")
    return net.graph(net.reshape(head, name="logits"))


def test_golden_residual_network(golden: Callable[[str, str], None]) -> None:
    golden(print_graph(canonical(_residual())), "passes/residual.txt")


def test_golden_preactivated_network(golden: Callable[[str, str], None]) -> None:
    golden(print_graph(canonical(_preactivated())), "passes/preactivated.txt")
