#!/usr/bin/env bash
# Unpack Fashion-MNIST from Debian's package dataset-fashion-mnist: fashion_mnist_from_debian.sh OUT_DIR
set -euo pipefail
out=${1:?needs the folder to write, such as data/fashion_mnist}
source_dir=/usr/share/datasets/fashion-mnist
if [ ! -d "$source_dir" ]; then
    echo "error: needs $source_dir, which is not there: apt-get install dataset-fashion-mnist" >&2
    exit 2
fi
mkdir -p "$out"
for name in train-images-idx3-ubyte train-labels-idx1-ubyte t10k-images-idx3-ubyte t10k-labels-idx1-ubyte; do
    gunzip -c "$source_dir/$name.gz" >"$out/.$name.partial"
    mv "$out/.$name.partial" "$out/$name"
done
echo "wrote 4 files to $out"
