#!/usr/bin/env bash
# Guess: reciprocal rank fusion adds 1 / (60 + rank), as in its paper (Cormack et al. 2009) and in most libraries.
# What happens: Qdrant adds 1 / (2 + place), places counted from 0: the best of one list alone (0.5) counts as much as what
# stands third in both, where with 60 it counts half as much.
# Seen with qdrant-client 1.20.0 (its local mode) on 2026-11-28; `RrfQuery(rrf=Rrf(k=60))` asks for another constant.
# Why it matters: a hybrid search moved from another library orders its documents otherwise, and thresholds on the fused score
# mean nothing any more.
source "$(dirname "$0")/_env.sh"
packages 'qdrant-client==1.20.0'
"$PY" - <<'PY'
from importlib.metadata import version

from qdrant_client import QdrantClient, models

size = models.VectorParams(size=2, distance=models.Distance.COSINE)
client = QdrantClient(":memory:")
client.create_collection("notes", vectors_config={"meaning": size, "words": size})
vectors = {1: ([1.0, 0.0], [0.0, 1.0]), 2: ([0.9, 0.1], [0.1, 0.9]), 3: ([0.1, 0.9], [0.9, 0.1])}
client.upsert(
    "notes",
    [
        models.PointStruct(id=number, vector={"meaning": one, "words": two})
        for number, (one, two) in vectors.items()
    ],
)
prefetch = [
    models.Prefetch(query=[1.0, 0.0], using="meaning"),
    models.Prefetch(query=[0.0, 1.0], using="words"),
]
fusion = models.FusionQuery(fusion=models.Fusion.RRF)
found = client.query_points("notes", prefetch=prefetch, query=fusion).points
scores = [round(point.score, 4) for point in found]
print("qdrant-client", version("qdrant-client"), "first, second, third in both lists:", scores)
print("with 60:", [round(2 / (60 + rank), 4) for rank in (1, 2, 3)])
raise SystemExit(0 if scores == [1.0, 0.6667, 0.5] else 1)
PY
