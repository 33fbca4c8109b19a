"""Sentences as vectors that lie close together where the meaning does: all-MiniLM-L6-v2 (Reimers and Gurevych 2019).

A BERT of six layers, mean over its tokens, length one; written out in numpy, since it is small and so runs wherever the
engine does. It knows English. About 15 ms of CPU for a short sentence; 90 MB of weights, loaded when first needed.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file
from scipy.special import erf
from tokenizers import Tokenizer

from avatarium.engine.assets import default_store

DIMENSIONS = 384
LONGEST = 256
"""Tokens that are read, about 200 words; the rest is left out."""
_BATCH = 512
"""Tokens that are worked on at once: enough for the matrix product to run at full speed, 3 MB each layer."""
_LAYERS = 6
_HEADS = 12
_EPSILON = 1e-12

Vectors = NDArray[np.float32]
_Weights = Mapping[str, Vectors]


class SentenceEmbedding:
    """The loaded network. Safe to use from several threads at once; holds the caller's thread while it works."""

    def __init__(self, folder: Path) -> None:
        """Read the weights of ``folder`` (``model.safetensors``, ``tokenizer.json``)."""
        weights = load_file(folder / "model.safetensors")
        self._words: Vectors = weights["embeddings.word_embeddings.weight"]
        self._places = (
            weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
        )
        self._norm = _Norm(weights, "embeddings.LayerNorm")
        self._layers = [_Layer(weights, f"encoder.layer.{number}") for number in range(_LAYERS)]
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(LONGEST)

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """One row of length one for each text, ``(texts, 384)``; their dot products are cosines."""
        tokens = [self._tokenizer.encode(text).ids for text in texts]
        rows = [row for batch in _batches(tokens) for row in self._rows(batch)]
        return np.stack(rows) if rows else np.zeros((0, DIMENSIONS), np.float32)

    def _rows(self, batch: Sequence[Sequence[int]]) -> Iterator[Vectors]:
        """The vectors of texts whose tokens stand below each other in one matrix: padding would be work for nothing."""
        spans = _spans(batch)
        x = np.concatenate([self._words[ids] + self._places[: len(ids)] for ids in batch])
        x = self._norm(x)
        for layer in self._layers:
            x = layer(x, spans)
        for span in spans:
            mean: Vectors = x[span].mean(axis=0)
            yield mean / np.float32(max(float(np.linalg.norm(mean)), _EPSILON))


def _batches(tokens: Sequence[Sequence[int]]) -> Iterator[list[Sequence[int]]]:
    batch: list[Sequence[int]] = []
    for ids in tokens:
        if batch and sum(map(len, batch)) + len(ids) > _BATCH:
            yield batch
            batch = []
        batch.append(ids)
    if batch:
        yield batch


def _spans(batch: Sequence[Sequence[int]]) -> list[slice]:
    ends = np.cumsum([len(ids) for ids in batch]).tolist()
    return [slice(end - len(ids), end) for ids, end in zip(batch, ends, strict=True)]


class _Linear:
    def __init__(self, weights: _Weights, name: str) -> None:
        self._matrix = np.ascontiguousarray(weights[f"{name}.weight"].T)
        self._bias = weights[f"{name}.bias"]

    def __call__(self, x: Vectors) -> Vectors:
        y: Vectors = x @ self._matrix
        y += self._bias
        return y


class _Norm:
    def __init__(self, weights: _Weights, name: str) -> None:
        self._scale, self._shift = weights[f"{name}.weight"], weights[f"{name}.bias"]

    def __call__(self, x: Vectors) -> Vectors:
        centred = x - x.mean(axis=-1, keepdims=True)
        spread = np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + np.float32(_EPSILON))
        normal: Vectors = centred / spread * self._scale + self._shift
        return normal


class _Layer:
    """One layer of the encoder: attention of twelve heads, then a hidden layer of four times the width."""

    def __init__(self, weights: _Weights, name: str) -> None:
        attention = f"{name}.attention"
        self._query, self._key, self._value = (
            _Linear(weights, f"{attention}.self.{part}") for part in ("query", "key", "value")
        )
        self._joined = _Linear(weights, f"{attention}.output.dense")
        self._attended = _Norm(weights, f"{attention}.output.LayerNorm")
        self._wide = _Linear(weights, f"{name}.intermediate.dense")
        self._narrow = _Linear(weights, f"{name}.output.dense")
        self._done = _Norm(weights, f"{name}.output.LayerNorm")

    def __call__(self, x: Vectors, spans: Sequence[slice]) -> Vectors:
        x = self._attended(x + self._joined(self._attention(x, spans)))
        return self._done(x + self._narrow(_gelu(self._wide(x))))

    def _attention(self, x: Vectors, spans: Sequence[slice]) -> Vectors:
        query, key, value = self._query(x), self._key(x), self._value(x)
        return np.concatenate([_attend(query[span], key[span], value[span]) for span in spans])


def _attend(query: Vectors, key: Vectors, value: Vectors) -> Vectors:
    """The tokens of one text look at each other."""
    q, k, v = _heads(query), _heads(key), _heads(value)
    weights = _softmax(q @ k.transpose(0, 2, 1) / np.float32(np.sqrt(q.shape[-1])))
    return (weights @ v).transpose(1, 0, 2).reshape(query.shape)


def _heads(x: Vectors) -> Vectors:
    return x.reshape(len(x), _HEADS, -1).transpose(1, 0, 2)


def _softmax(x: Vectors) -> Vectors:
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    shares: Vectors = powers / powers.sum(axis=-1, keepdims=True)
    return shares


def _gelu(x: Vectors) -> Vectors:
    """The exact one, by the error function, that BERT was trained with."""
    bent: Vectors = x * np.float32(0.5) * (1 + erf(x * np.float32(1 / np.sqrt(2))))
    return bent


@functools.cache
def embedding() -> SentenceEmbedding:
    """The network of this installation, loaded once; its file is fetched where it is missing.

    Raises:
        AssetError: it cannot be had.
    """
    return SentenceEmbedding(default_store().path("minilm"))
