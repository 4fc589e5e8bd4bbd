# shellcheck shell=bash
# ./dev setup: Debian packages, cpp-httplib's header, npm projects. Fast and silent when nothing is missing.
# Sourced by ./dev, which sets these:
: "${root:?}" "${cache_dir:?}"

# Debian packages by group. `build` is what `bazel build //... && bazel test //...` needs.
packages_build=(
  bazel-bootstrap bazel-platforms bazel-rules-java bazel-rules-proto bazel-skylib
  ca-certificates curl g++ git python3 xz-utils
  libabsl-dev libcjose-dev libcurl4-openssl-dev libgmock-dev libgoogle-perftools-dev libgrpc++-dev libgtest-dev
  libnghttp2-dev libprotobuf-dev libre2-dev libssl-dev libtest-json-schema-acceptance-perl libyaml-cpp-dev
  nlohmann-json3-dev prometheus-cpp-dev protobuf-compiler protobuf-compiler-grpc
)
packages_run=(curl)
packages_lint=(clang-format-14 python3-yaml shellcheck)
packages_tidy=(clang-tidy-14)
packages_e2e=(chromium fonts-dejavu-core)
packages_examples=(protobuf-compiler python3-venv)
packages_containers=(binutils buildah curl podman runc)
packages_cluster=(etcd-server openssl python3-yaml)
packages_bench=(wrk)
packages_fuzz=(clang-14 libclang-rt-14-dev)

# What the npm projects need at least; Node 22 itself comes out of their lock files.
readonly minimum_node=18

# Runs a command as root: as it is when we are root, with sudo otherwise. Takes the command.
as_root() {
  if [[ $(id -u) -eq 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo --preserve-env=DEBIAN_FRONTEND "$@"
  else
    die "this needs root, and there is no sudo. Run it as root, then try again: $*"
  fi
}

# Prints those of the given Debian packages that are not installed.
missing_packages() {
  local package
  for package in "$@"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "${package}" 2>/dev/null) == installed ]] || printf '%s\n' "${package}"
  done
}

# Installs those of the given Debian packages that are missing.
install_packages() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  [[ ${#missing[@]} -gt 0 ]] || return 0
  command -v apt-get >/dev/null || die "this is not a Debian system; install by hand: ${missing[*]}"
  step "installing ${#missing[@]} Debian packages: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  # A machine with a broken third-party source can still install from Debian, so only the install decides.
  as_root apt-get update -q </dev/null || printf 'dev: apt-get update had errors; trying with the lists at hand\n' >&2
  as_root apt-get install -q -y --no-install-recommends -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "${missing[@]}" \
    </dev/null 2>&1 |
    show_apt_progress || die "apt-get could not install: ${missing[*]}"
}

# Prints what apt-get says, but of the lines about single packages only now and then one.
show_apt_progress() {
  awk '/^[0-9]+ upgraded, / { total = $1 + $3; print "    " total " packages with what they depend on"; next }
       /^Need to get / { print "    " $0; next }
       /^(Get:|Fetched )/ { if (++fetched % 50 == 0) { printf "    fetched %d of %d\n", fetched, total; fflush() } next }
       /^Setting up / { if (++done % 50 == 0) { printf "    set up %d of %d\n", done, total; fflush() } next }
       /^(E|W): |^Err:|^Waiting |^dpkg: error|^Errors were/ { print; fflush() }'
}

# The value of a constant in third_party/cpp_httplib.bzl, the one place that pins cpp-httplib. Takes its name.
cpp_httplib_pin() { sed -n "s/^$1 = \"\(.*\)\"\$/\1/p" third_party/cpp_httplib.bzl; }

# Whether a file has the SHA-256 given. Takes the file and the hash.
has_sha256() { [[ -f $1 && $(sha256sum "$1" | cut -d' ' -f1) == "$2" ]]; }

# Fetches Debian's source archive of cpp-httplib through apt (its mirrors, proxies and settings). Takes version, hash and
# the file to write; fails when no configured archive has it.
fetch_cpp_httplib() {
  local version=$1 sha256=$2 archive=$3 site
  local sites
  : >"${archive}.log"
  # Every archive that apt is configured with, the main one ("…/debian") first.
  # shellcheck disable=SC2016  # $(SITE) is for apt-get
  mapfile -t sites < <(apt-get indextargets --format '$(SITE)' | sed 's,/*$,,' | sort -u |
    awk '/\/debian$/ {print; next} {rest = rest $0 "\n"} END {printf "%s", rest}')
  for site in "${sites[@]}"; do
    if /usr/lib/apt/apt-helper -q download-file \
      "${site}/pool/main/c/cpp-httplib/cpp-httplib_${version}+ds.orig.tar.xz" "${archive}" "SHA256:${sha256}" \
      >>"${archive}.log" 2>&1 </dev/null; then
      rm -f "${archive}.log"
      return 0
    fi
  done
  grep -v '^W:' "${archive}.log" >&2 || true
  rm -f "${archive}" "${archive}.log"
  return 1
}

# Puts cpp-httplib's header into .deps/, from this user's cache or from Debian's archive.
setup_cpp_httplib() {
  local version archive_sha256 header_sha256 header=.deps/cpp-httplib/httplib.h
  version=$(cpp_httplib_pin VERSION)
  archive_sha256=$(cpp_httplib_pin ARCHIVE_SHA256)
  header_sha256=$(cpp_httplib_pin HEADER_SHA256)
  ! has_sha256 "${header}" "${header_sha256}" || return 0

  local archive="${cache_dir}/cpp-httplib/cpp-httplib_${version}.tar.xz"
  mkdir -p "${archive%/*}" "${header%/*}"
  if ! has_sha256 "${archive}" "${archive_sha256}"; then
    step "fetching cpp-httplib ${version}"
    fetch_cpp_httplib "${version}" "${archive_sha256}" "${archive}" || die "cpp-httplib ${version} could not be fetched.
  If the network is fine, Debian's archive has moved on to another version. Then either
  - put httplib.h of version ${version} (SHA-256 ${header_sha256})
    at ${root}/${header}, from any source, or
  - change the pin in third_party/cpp_httplib.bzl (VERSION and both hashes) to the version that the archive has now;
    Debian's package tracker lists them."
  fi
  tar -xJf "${archive}" -C "${header%/*}" --strip-components=1 --wildcards '*/httplib.h' '*/LICENSE'
  has_sha256 "${header}" "${header_sha256}" ||
    die "httplib.h in ${archive} does not have the hash in third_party/cpp_httplib.bzl; correct HEADER_SHA256 there"
}

# Prints the packages that bring a Node.js, unless there is one: it is not replaced.
node_packages() { command -v node >/dev/null || printf 'nodejs\nnpm\n'; }

# Makes sure that there is a Go, if it can be had; the tests that need it say that they are skipped.
setup_go() {
  command -v go >/dev/null || (install_packages golang-go) ||
    printf 'dev: no Go: the tool service in Go is not tested\n' >&2
}

# Makes sure that there is a Node.js.
setup_node() {
  local packages
  mapfile -t packages < <(node_packages)
  install_packages "${packages[@]}"
  hash -r
  local major
  major=$(node --version | sed 's/^v\([0-9]*\).*/\1/')
  [[ ${major} -ge ${minimum_node} ]] ||
    die "$(command -v node) is version $(node --version); put Node.js ${minimum_node} or later first on PATH"
  command -v npm >/dev/null || install_packages npm
}

# Installs the packages of an npm project's lock file, when they are not those already. Takes the project's folder.
setup_npm_project() {
  local folder=$1 stamp wanted
  [[ -f ${folder}/package-lock.json ]] || die "${folder}/package-lock.json is missing"
  stamp=${folder}/node_modules/.gatehouse-lock-sha256
  wanted=$(sha256sum "${folder}/package-lock.json" | cut -d' ' -f1)
  [[ ! -f ${stamp} || $(<"${stamp}") != "${wanted}" ]] || return 0
  setup_node
  step "npm ci in ${folder}/"
  npm ci --prefix "${folder}" --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null ||
    die "npm ci failed in ${folder}/"
  printf '%s\n' "${wanted}" >"${stamp}"
}

# Installs the Debian packages of several groups in one go. Takes the groups.
setup_packages() {
  local group packages=() node
  for group in "$@"; do
    case "${group}" in
      build) packages+=("${packages_build[@]}") ;;
      run | e2e | bench)
        mapfile -t node < <(node_packages)
        packages+=("${packages_run[@]}" "${node[@]}")
        [[ ${group} != e2e ]] || packages+=("${packages_e2e[@]}" "${packages_examples[@]}")
        [[ ${group} != bench ]] || packages+=("${packages_bench[@]}")
        ;;
      examples) packages+=("${packages_examples[@]}") ;;
      lint) packages+=("${packages_lint[@]}") ;;
      tidy) packages+=("${packages_tidy[@]}") ;;
      containers) packages+=("${packages_containers[@]}") ;;
      cluster) packages+=("${packages_cluster[@]}") ;;
      fuzz) packages+=("${packages_fuzz[@]}") ;;
      *) usage_error "setup: unknown group '${group}', one of: build run lint tidy examples e2e containers cluster bench fuzz" ;;
    esac
  done
  mapfile -t packages < <(printf '%s\n' "${packages[@]}" | sort -u)
  install_packages "${packages[@]}"
}

# Installs all that one group of commands needs. Takes the group.
setup_group() {
  setup_packages "$1"
  case "$1" in
    build) setup_cpp_httplib ;;
    run) setup_npm_project dev_provider ;;
    examples) setup_go ;;
    e2e)
      setup_go
      setup_npm_project dev_provider
      setup_npm_project tests/e2e
      ;;
    bench)
      setup_npm_project dev_provider
      setup_npm_project bench/reference
      ;;
  esac
}

command_setup() {
  local group groups=("$@")
  [[ ${#groups[@]} -gt 0 ]] || groups=(build run)
  setup_packages "${groups[@]}"
  for group in "${groups[@]}"; do setup_group "${group}"; done
  step "everything is in place"
}
