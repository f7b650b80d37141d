"""A network that is measured is afterwards as it was, whatever happens meanwhile."""

from __future__ import annotations

import pytest
import torch

from patchbay.nodes.training.held_out import measuring


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("fails", [True, False])
def test_a_network_is_given_back_as_it_was(training: bool, fails: bool) -> None:
    network = torch.nn.Dropout(0.5).train(training)
    try:
        with measuring(network) as measured:
            assert measured is network
            assert (network.training, torch.is_grad_enabled()) == (False, False)
            if fails:
                raise MemoryError
    except MemoryError:
        assert fails
    assert (network.training, torch.is_grad_enabled()) == (training, True)
