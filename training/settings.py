"""The numbers that every part of the training shares."""

from __future__ import annotations

from pathlib import Path

RATE = 16_000  # Hz: the model's sample rate
HOP_SECONDS = 1
HOP_SAMPLES = RATE * HOP_SECONDS
WINDOW_HOPS = 2
FRAME_SAMPLES = RATE // 20  # 50 ms: the resolution of the labels
CLIP_HOPS = 4  # a training clip: 4 hops have 3 windows, and neighbouring windows share hops as in serving
CLIP_SAMPLES = CLIP_HOPS * HOP_SAMPLES
TEACHER_STEP_SECONDS = 0.5  # from one window that a teacher judges to the next

ROOT = Path(__file__).resolve().parent.parent
WORK_FOLDER = ROOT / "build" / "training"
UPDATES = 12_000  # of 64 clips each: 103 minutes on two cores
CHECKPOINT_FILE = "checkpoint.pt"  # under the work folder
MODEL_FILE = ROOT / "model" / "model.pt2"
REPORT_FILE = ROOT / "model" / "report.json"
RECORDINGS_FILE = ROOT / "model" / "recordings.json"
SOURCES_FILE = ROOT / "model" / "sources.json"
SAMPLE_FILE = ROOT / "samples" / "demo.mp3"
MODEL_CARD = ROOT / "docs" / "model.md"
MODEL_RECORD = ROOT / "docs" / "record" / "model.md"
PICTURES_FOLDER = ROOT / "docs" / "pictures"
