#!/bin/sh
# Writes cochl-sense.mar (for TorchServe) and model.tar.gz (for SageMaker's stock PyTorch toolkit).
set -eu

usage() {
    cat <<'END'
Usage: build_mar.sh [--model FILE] [--output DIR]

Packs the handler and a model file into
  DIR/cochl-sense.mar   what `torchserve --models cochl-sense=cochl-sense.mar` loads
  DIR/model.tar.gz      the same files as one folder, which SageMaker unpacks into /opt/ml/model

  --model FILE   the model file (default: model/model.pt2 beside this script)
  --output DIR   where to write (default: model_store beside this script)
END
}

fail() {
    echo "build_mar.sh: $1" >&2
    exit 1
}

tree=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
model=$tree/model/model.pt2
output=$tree/model_store
while [ $# -gt 0 ]; do
    case $1 in
        --model) [ $# -ge 2 ] || fail "--model needs a file"; model=$2; shift 2 ;;
        --output) [ $# -ge 2 ] || fail "--output needs a folder"; output=$2; shift 2 ;;
        --help | -h) usage; exit 0 ;;
        *) fail "unknown argument '$1' (--help lists them)" ;;
    esac
done

archiver=$tree/.venv/bin/torch-model-archiver
[ -x "$archiver" ] || archiver=$(command -v torch-model-archiver) ||
    fail "torch-model-archiver is not installed: run 'make archive', which installs it"
[ -f "$model" ] || fail "no model file '$model': name one with --model"
version=$(sed -n 's/^version = //p' "$tree/setup.cfg")
[ -n "$version" ] || fail "no version in $tree/setup.cfg"
[ -f "$tree/handler/sense_handler.py" ] || fail "no handler/sense_handler.py in $tree"
mkdir -p "$output" 2>/dev/null && [ -w "$output" ] || fail "cannot write to '$output'"

# Beside the result, so that the last step is a rename: a server never sees half an archive.
stage=$(mktemp -d "$output/.build.XXXXXX")
trap 'rm -rf "$stage"' EXIT
trap 'exit 130' INT TERM

# --extra-files copies what is inside the folder that it names: one that holds `handler` keeps the package whole.
mkdir "$stage/extra" "$stage/tmp"
cp -R "$tree/handler" "$stage/extra/"
find "$stage/extra" -name __pycache__ -type d -prune -exec rm -rf {} +

# The archiver assembles in $TMPDIR/<model name>: one of its own for each run, or two runs disturb each other.
pack() {
    TMPDIR=$stage/tmp "$archiver" --model-name cochl-sense --version "$version" \
        --handler "$tree/handler/sense_handler.py" --serialized-file "$model" \
        --config-file "$tree/model-config.yaml" --extra-files "$stage/extra" \
        --archive-format "$1" --export-path "$stage" --force >"$stage/log" 2>&1 ||
        fail "torch-model-archiver failed: $(tail -n 1 "$stage/log")"
}
pack default
# One root folder with MAR-INF/MANIFEST.json inside: TorchServe looks into a lone sub-folder of /opt/ml/model.
pack tgz

mv -f "$stage/cochl-sense.mar" "$output/cochl-sense.mar"
mv -f "$stage/cochl-sense.tar.gz" "$output/model.tar.gz"
echo "wrote $output/cochl-sense.mar and $output/model.tar.gz ($(basename "$model"))"
