"""A training loop in plain torch: a small language model on the shards of a run.

    python examples/train.py runs/demo --steps 50

The checkpoint holds the place in the data, so the same command again goes on with the next batch.
"""

import argparse
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader

from tokenizer_training.loader import ShardLoader
from tokenizer_training.torch_dataset import TokenDataset

WIDTH, HEADS, LAYERS = 128, 4, 2


class Model(nn.Module):
    """A transformer in which a token sees the earlier tokens of its own document and no others."""

    def __init__(self, vocabulary: int, seq_len: int) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, WIDTH)
        self.positions = nn.Embedding(seq_len, WIDTH)
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 4 * WIDTH, 0.0, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, LAYERS, nn.LayerNorm(WIDTH), enable_nested_tensor=False)
        self.head = nn.Linear(WIDTH, vocabulary)

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        """Return the logits, float [rows, width, vocabulary]."""
        same_document = batch["seq_idx"][:, :, None] == batch["seq_idx"][:, None, :]
        hidden = ~same_document.tril().repeat_interleave(HEADS, dim=0)  # bool [rows * heads, width, width]
        embedded = self.tokens(batch["input_ids"]) + self.positions(batch["position_ids"])
        return self.head(self.layers(embedded, mask=hidden))


def train(run: Path, steps: int, checkpoint: Path) -> list[float]:
    """Train for some steps, from the checkpoint on if there is one; return the loss of each step."""
    torch.manual_seed(1)
    # `shifted`: a label is the next token. No label counts at padding, nor where the next document begins.
    loader = ShardLoader(run / "shards", batch_size=4, seed=1, epochs=None, shifted=True)
    header = loader.shards.header
    model = Model(header.vocab_size, header.seq_len)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        loader.load_state_dict(saved["data"])
    losses = []
    for batch in islice(DataLoader(TokenDataset(loader), batch_size=None), steps):
        loss = cross_entropy(model(batch).flatten(0, 1), batch["labels"].flatten())  # it ignores -100
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        position = loader.state_dict(batch["next_sample"])
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "data": position}
    torch.save(state, checkpoint)
    return losses


def main() -> None:
    """Train, and print the loss of every tenth step."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="folder of a finished run")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--checkpoint", type=Path, default=Path("checkpoint.pt"))
    options = parser.parse_args()
    losses = train(options.run, options.steps, options.checkpoint)
    for step, loss in enumerate(losses):
        if step % 10 == 0 or step == len(losses) - 1:
            print(f"step {step}: loss {loss:.3f}")


if __name__ == "__main__":
    main()
