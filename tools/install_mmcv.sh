#!/usr/bin/env bash
# Install onedl-mmcv WITH compiled ops (mmdet needs them) into one Python environment.
#
#   tools/install_mmcv.sh [PYTHON]     default: .venv/bin/python if there is one, else python3
#
# onedl-mmcv is a source package: a plain `pip install` gives no ops and says nothing, and its setup.py forces a C++
# standard which is too old for the headers of torch >= 2.12. This builds the wheel once with the right standard and
# keeps it, keyed by Python, platform, torch and mmcv version; the next environment installs it in seconds.
#
# Read from the environment: MMKD_CONSTRAINTS (constraints.txt: the mmcv version), MMKD_EXT_CACHE (cache directory),
# CXX (compiler), MAX_JOBS (default: all cores), FORCE_CUDA=1 with TORCH_CUDA_ARCH_LIST (CUDA ops without a GPU here).
set -Eeuo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
TMP=$(mktemp -d "${TMPDIR:-/tmp}/install_mmcv.XXXXXX")
export TMPDIR=$TMP  # what pip and the compiler leave goes with it
LOG=$TMP/pip.log SRC=$TMP/src
BUILD_PID=

say() { echo "[mmcv] $*, $SECONDS s"; }
fail() { echo "[mmcv] error: $*" >&2; exit 1; }
cleanup() {
  # The build is a process group of its own (set -m): ninja and the compilers go with it.
  if [ -n "$BUILD_PID" ]; then kill -- "-$BUILD_PID" 2>/dev/null || true; wait "$BUILD_PID" 2>/dev/null || true; fi
  rm -rf "$TMP"
}
trap cleanup EXIT
trap 'echo "[mmcv] error: line $LINENO of $0 failed" >&2' ERR
trap 'exit 130' INT TERM HUP

# ---- which interpreter, which version -------------------------------------------------------------------------------
PY=${1:-$([ -x "$ROOT/.venv/bin/python" ] && echo "$ROOT/.venv/bin/python" || echo python3)}
FOUND=$(command -v "$PY") || fail "needed a Python interpreter, got '$PY', which does not run; see the top of $0"
PY=$(cd "$(dirname "$FOUND")" && pwd)/$(basename "$FOUND")  # absolute, links kept: a venv's python is a link
"$PY" -m pip --version >/dev/null 2>&1 || fail "needed pip for $PY, got none; run '$PY -m ensurepip' first"

CONSTRAINTS=${MMKD_CONSTRAINTS:-$ROOT/constraints.txt}
[ -f "$CONSTRAINTS" ] || fail "needed a constraints file, got none at '$CONSTRAINTS'; look at MMKD_CONSTRAINTS"
CONSTRAINTS=$(cd "$(dirname "$CONSTRAINTS")" && pwd)/$(basename "$CONSTRAINTS")
VERSION=$(sed -n 's/^onedl-mmcv[[:space:]]*==[[:space:]]*\([^[:space:];#]*\).*/\1/p' "$CONSTRAINTS" | head -n 1)
[ -n "$VERSION" ] || fail "needed a line 'onedl-mmcv==X.Y.Z', got none in $CONSTRAINTS; add it there"

# ---- what is in the environment: one value a line -------------------------------------------------------------------
cat > "$TMP/probe.py" <<'PYTHON'
import os
import sys
import sysconfig
from importlib import metadata
try:
    import torch
except Exception as err:  # a torch that is there but broken raises anything
    sys.exit(f'{type(err).__name__}: {err}')
numbers = tuple(int(n) for n in torch.__version__.split('+')[0].split('.')[:2])
cuda = torch.cuda.is_available() or os.environ.get('FORCE_CUDA') == '1'
tag = f'cp{sys.version_info[0]}{sys.version_info[1]}{getattr(sys, "abiflags", "")}-{sysconfig.get_platform()}'
key = f'{tag}-torch{torch.__version__}-{"cuda" if cuda else "cpu"}'
print(torch.__version__, '20' if numbers >= (2, 12) else '17', int(cuda), key, sep='\n')
print(sysconfig.get_path('include'), sysconfig.get_path('scripts'), sep='\n')
for names in ['onedl-mmcv'], ['mmcv', 'mmcv-full', 'mmcv-lite'], ['mmengine', 'mmengine-lite']:
    found = [f'{name} {dist.version}' for name in names for dist in metadata.distributions(name=name)]
    print(found[0] if found else '')
PYTHON
cat > "$TMP/check.py" <<'PYTHON'
import sys
import torch
from mmcv.ops import nms, roi_align

gen = torch.Generator().manual_seed(0)
feats = torch.randn(2, 3, 20, 24, generator=gen)
low = torch.rand(40, 2, generator=gen) * 60
boxes = torch.cat([low, low + 2 + torch.rand(40, 2, generator=gen) * 40], 1)
rois = torch.cat([torch.arange(40.).remainder(2)[:, None], boxes], 1)
scores = torch.rand(40, generator=gen)
for device in ['cpu', 'cuda'] if torch.cuda.is_available() else ['cpu']:
    pooled = roi_align(feats.to(device), rois.to(device), (7, 7), 0.25, 2, 'avg', True).cpu()
    kept = nms(boxes.to(device), scores.to(device), 0.5)[1].cpu()
    twins = nms(boxes[[0, 0]].to(device), scores[:2].to(device), 0.5)[1]
    if not pooled.isfinite().all() or len(twins) != 1:
        sys.exit(f'on {device} roi_align gave values that are not finite, or nms kept both of two equal boxes')
    note = 'torchvision is absent, not compared'
    try:
        from torchvision import ops
    except ImportError:
        continue
    gap = (pooled - ops.roi_align(feats, rois, (7, 7), 0.25, 2, True)).abs().max().item()
    same = torch.equal(kept, ops.nms(boxes, scores, 0.5))
    note = f'against torchvision roi_align differs by {gap:.1e}, nms keeps {"the same" if same else "other"} boxes'
    if not gap <= 1e-5 or not same:
        sys.exit(f'on {device} {note}; needed <= 1e-5 and the same')
print(note)
PYTHON

# Scripts run by path, so that sys.path[0] is $TMP and no mmcv/ of the working directory is taken for the installed one.
ops_work() { { "$PY" "$TMP/check.py" > "$TMP/check.out" 2> "$TMP/check.err"; } 2>/dev/null; }
ops_say() { tail -n 1 "$TMP/check.out"; }

say "looking at $PY"
"$PY" "$TMP/probe.py" > "$TMP/probe.out" 2> "$TMP/probe.err" ||
  fail "needed torch in the environment of $PY, got '$(tail -n 1 "$TMP/probe.err")'; install torch first (README)"
for name in TORCH STD CUDA KEY INCLUDE SCRIPTS FORK UPSTREAM ENGINE; do
  IFS= read -r "${name?}"
done < "$TMP/probe.out"
if { [ "$FORK" = "onedl-mmcv $VERSION" ] || [ -n "$UPSTREAM" ]; } && ops_work; then
  say "${FORK:-$UPSTREAM} with working ops is there already ($(ops_say)), nothing to do"
  exit 0
fi
[ -z "$UPSTREAM$ENGINE" ] || fail "needed an environment without the upstream packages that onedl-mmcv replaces," \
  "got ${UPSTREAM:-$ENGINE}${UPSTREAM:+ without working ops}; pip uninstall it first"

CACHE=${MMKD_EXT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mmkd_ext}/wheels/$KEY-mmcv$VERSION
export PATH="$SCRIPTS:$PATH"  # torch runs `ninja` by name

run_pip() {
  "$PY" -m pip "$@" -c "$CONSTRAINTS" >> "$LOG" 2>&1 && return
  grep -v '^WARNING' "$LOG" | tail -n 15 >&2
  fail "needed 'pip $1' to succeed, got the lines above; look at 'pip config list' and $CONSTRAINTS"
}
wheel_ok() {  # a whole zip which holds the compiled module: never a wheel without ops
  "$PY" -c "import sys, zipfile; whl = zipfile.ZipFile(sys.argv[1])
sys.exit(whl.testzip() is not None or not any(n.startswith('mmcv/_ext.') for n in whl.namelist()))" "$1" 2>/dev/null
}
find_wheel() { find "$1" -maxdepth 1 -name 'onedl_mmcv-*.whl' 2>/dev/null | head -n 1 || true; }  # '' where none is
install_wheel() {
  say "installing $(basename "$WHEEL")"
  # Forced and without dependencies: the same version without ops may be there. Then the dependencies that are missing.
  run_pip install -q --force-reinstall --no-deps "$WHEEL"
  run_pip install -q "$WHEEL"
  say 'checking the ops'
  ops_work || { WHY=$(tail -n 1 "$TMP/check.err" | grep . || echo 'a crash without a message'); return 1; }
}

# ---- the build ------------------------------------------------------------------------------------------------------
check_compiler() {
  local where number=201703L
  if [ "$STD" = 20 ]; then number=202002L; fi
  read -ra COMPILER <<< "${CXX:-g++}"
  where=$(command -v "${COMPILER[0]}") ||
    fail "needed a C++$STD compiler, got no '${COMPILER[0]}'; install g++ (Debian: build-essential) or set CXX"
  COMPILER[0]=$where
  echo "static_assert(__cplusplus >= $number, \"torch's headers ask the same\");" > "$TMP/std.cpp"
  "${COMPILER[@]}" "-std=c++$STD" -fsyntax-only "$TMP/std.cpp" >> "$LOG" 2>&1 || fail "needed a compiler with C++$STD" \
    "for torch $TORCH, got $("${COMPILER[@]}" --version 2>&1 | head -n 1); install g++ >= 11 or set CXX to a newer one"
  [ -f "$INCLUDE/Python.h" ] || fail "needed Python's headers, got no $INCLUDE/Python.h; install python3-dev"
  [ "$CUDA" = 0 ] || [ -n "${CUDA_HOME:-}" ] || [ -d /usr/local/cuda ] || command -v nvcc hipcc >/dev/null ||
    fail "needed nvcc as torch sees CUDA, got none; set CUDA_HOME, or CUDA_VISIBLE_DEVICES= for ops on the CPU only"
  USE_PCH=0  # gcc only: clang makes and finds such headers in another way
  "${COMPILER[@]}" -dM -E -x c++ /dev/null > "$TMP/macros" 2>> "$LOG" || true
  if grep -q '__GNUC__ ' "$TMP/macros" && ! grep -Eq '__(clang|INTEL_COMP|NVCOMP)' "$TMP/macros"; then USE_PCH=1; fi
}

write_wrapper() {  # named as the compiler is: torch judges a compiler by its name
  WRAPPER=$TMP/bin/$(basename "${COMPILER[0]}")
  mkdir -p "$TMP/bin" "$TMP/pch"
  echo '#include <torch/types.h>' > "$TMP/pch/mmkd_pch.h"
  { echo '#!/usr/bin/env bash'
    printf 'real=('; printf '%q ' "${COMPILER[@]}"; printf ')\npch=%q\n' "$TMP/pch/mmkd_pch.h"
    cat <<'WRAP'
args=() flags=() compile=0 cpp=0 drop=0
for arg in "$@"; do
  case $arg in -g|-g[123]|-ggdb*) arg=-g0 ;; esac  # debug symbols are most of the wheel and a good part of the time
  args+=("$arg")
  if [ "$drop" = 1 ]; then drop=0; continue; fi
  case $arg in
    -c) compile=1 ;; *.cpp) cpp=1 ;; -MMD|-MD) ;;
    -o|-MF|-MT|-MQ) drop=1 ;;
    *) flags+=("$arg") ;;
  esac
done
if [ "${MMKD_PCH:-0}" = 0 ] || [ $compile$cpp != 11 ]; then exec "${real[@]}" "${args[@]}"; fi
# A precompiled header serves only files compiled with its own flags: the first call makes it from the flags it got.
if mkdir "$pch.lock" 2>/dev/null; then
  "${real[@]}" "${flags[@]}" -x c++-header "$pch" -o "$pch.part" && mv "$pch.part" "$pch.gch" || touch "$pch.failed"
fi
until [ -e "$pch.gch" ]; do
  if [ -e "$pch.failed" ]; then echo 'error: the compiler made no precompiled header' >&2; exit 1; fi
  sleep 0.2
done
exec "${real[@]}" -Winvalid-pch -include "$pch" "${args[@]}"
WRAP
  } > "$WRAPPER"
  chmod +x "$WRAPPER"
}

compile_wheel() {  # $1: 1 with the precompiled header, 0 without
  local total objects next=$((SECONDS + 10))
  rm -rf "$SRC/build" "$TMP/out"
  set -m
  CXX=$WRAPPER MMKD_PCH=$1 MMCV_WITH_OPS=1 MAX_JOBS=$JOBS "$PY" -m pip wheel -v --no-build-isolation --no-deps \
    -c "$CONSTRAINTS" -w "$TMP/out" "$SRC" >> "$LOG" 2>&1 < /dev/null &
  BUILD_PID=$!
  set +m
  while sleep 1 && kill -0 "$BUILD_PID" 2>/dev/null; do
    [ "$SECONDS" -ge "$next" ] || continue
    next=$((SECONDS + 10))
    total=$(find "$SRC/build" -name build.ninja -exec grep -cE '^build .*: (cuda_)?compile' {} \; 2>/dev/null || true)
    objects=$(find "$SRC/build" -name '*.o' 2>/dev/null | wc -l || true)
    say "$((objects))/${total:-?} files"
  done
  wait "$BUILD_PID" || rm -rf "$TMP/out"
  BUILD_PID=
  WHEEL=$(find_wheel "$TMP/out")
  [ -n "$WHEEL" ] && wheel_ok "$WHEEL"
}

build_wheel() {
  local pch name
  JOBS=${MAX_JOBS:-$(nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 2)}
  check_compiler
  if [ "$CUDA" = 1 ]; then say "torch sees CUDA: building CUDA ops with nvcc, a case that is not tested here"; fi
  say "installing the build tools (setuptools, wheel, ninja, psutil)"
  run_pip install -q 'setuptools>=80' wheel 'packaging>=24.2' ninja psutil
  say "downloading the source of onedl-mmcv $VERSION"
  run_pip download -q --no-deps --no-build-isolation --no-binary onedl-mmcv -d "$TMP/sdist" "onedl-mmcv==$VERSION"
  mkdir -p "$SRC" "$CACHE"
  tar -xzf "$(find "$TMP/sdist" -name '*.tar.gz' | head -n 1)" -C "$SRC" --strip-components 1
  sed -i.bak "s/-std=c++17/-std=c++$STD/g" "$SRC/setup.py"  # for the C++ compiler and for nvcc
  grep -q -- "-std=c++$STD" "$SRC/setup.py" ||
    fail "needed '-std=c++17' in the setup.py of onedl-mmcv $VERSION to replace, got none; look at build_wheel in $0"
  write_wrapper
  for pch in 1 0; do
    [ "$pch" -le "$USE_PCH" ] || continue
    say "compiling with ${COMPILER[*]}, C++$STD, $JOBS jobs, $([ "$pch" = 1 ] && echo a || echo no) precompiled header"
    if compile_wheel "$pch"; then break; fi
    cp "$LOG" "$CACHE/build.log"
    grep -E 'error: |Error: ' "$LOG" | grep -Ev 'subprocess|CalledProcess' | head -n 5 >&2 || true
    [ "$pch" = 1 ] || fail "needed a wheel with mmcv/_ext, got a failed build; look at $CACHE/build.log"
    say 'that build failed, next without a precompiled header (several times slower)'
  done
  name=$(basename "$WHEEL")  # moved within one file system, so that a reader sees a whole wheel or none
  cp "$WHEEL" "$CACHE/.part.$$"
  mv -f "$CACHE/.part.$$" "$CACHE/$name"
  rm -f "$CACHE/build.log"
  WHEEL=$CACHE/$name
  say "built $WHEEL ($(du -k "$WHEEL" | cut -f 1) kB)"
}

# ---- from the cache, else built; a cached wheel that is no good is built anew, once ---------------------------------
WHEEL=$(find_wheel "$CACHE")
if [ -n "$WHEEL" ]; then
  WHY='no whole zip with mmcv/_ext'
  if wheel_ok "$WHEEL" && install_wheel; then say "onedl-mmcv $VERSION with ops from the cache: $(ops_say)"; exit 0; fi
  say "the cached wheel is damaged ($WHY), building it anew"
  rm -f "$WHEEL"
fi
build_wheel
if ! install_wheel; then
  rm -f "$WHEEL"
  fail "needed working ops from the wheel just built, got '$WHY'; look at ${COMPILER[*]} and torch $TORCH"
fi
say "onedl-mmcv $VERSION with ops: $(ops_say)"
