#!/bin/sh
# Takes out of a virtual environment what a service on a CPU never opens: tests of libraries, OpenVINO's plugins for
# other hardware and its readers of other formats (ours are IR and ONNX), and installers' leftovers.
set -eu
packages=$(echo "$1"/lib/python3*/site-packages)
openvino="$packages/openvino/libs"
rm -f "$openvino"/cache.json
for part in intel_gpu_plugin intel_npu_plugin paddle_frontend pytorch_frontend tensorflow_frontend \
  tensorflow_lite_frontend gguf_frontend jax_frontend; do
  rm -f "$openvino"/libopenvino_$part.so*
done
find "$packages" -type d \( -name tests -o -name test \) -prune -exec rm -rf {} +
find "$packages" -name '*.pyi' -delete
rm -rf "$packages"/pip "$packages"/pip-*.dist-info "$1"/bin/pip* "$packages"/openvino/include "$packages"/openvino/cmake "$packages"/numpy/_core/include
du -sm "$packages" | sed 's/\t.*/ MB of packages/'
