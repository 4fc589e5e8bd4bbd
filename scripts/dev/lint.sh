# shellcheck shell=bash
# ./dev fmt and ./dev lint: what can be said about the sources without running them. Sourced by ./dev.

# Debian's own interpreter: the one that Debian's python3-yaml is for.
readonly system_python=/usr/bin/python3

# Prints the files of the work tree that git tracks or would track, and that exist. Takes git pathspecs.
source_files() {
  local file
  git ls-files --cached --others --exclude-standard -- "$@" | sort -u | while IFS= read -r file; do
    [[ ! -f ${file} || -L ${file} ]] || printf '%s\n' "${file}"
  done
}

cxx_files() { source_files '*.cc' '*.h'; }

command_fmt() {
  [[ $# -eq 0 ]] || usage_error "fmt takes no arguments"
  setup_group lint
  cxx_files | xargs -r -d '\n' clang-format-14 -i
}

# The C++ sources that differ from origin/main (from HEAD, in a clone that has none), untracked ones included.
changed_cxx_sources() {
  local base
  base=$(git merge-base HEAD origin/main 2>/dev/null || git rev-parse HEAD)
  {
    git diff --name-only --diff-filter=d "${base}" -- '*.cc'
    git ls-files --others --exclude-standard -- '*.cc'
  } | sort -u
}

# The checks: each prints what is wrong and fails if anything is.

check_format() { cxx_files | xargs -r -d '\n' clang-format-14 --dry-run -Werror; }

check_clang_tidy() {
  local files
  mapfile -t files < <(if [[ $1 == all ]]; then source_files '*.cc'; else changed_cxx_sources; fi)
  if [[ ${#files[@]} -eq 0 ]]; then
    printf 'no C++ source differs from origin/main\n'
    return 0
  fi
  setup_group build
  setup_group tidy
  # Generated headers must exist; nothing else has to be built.
  bazel_run build --config=opt //proto:all //bench:floor_proto >/dev/null 2>&1 || die "the protos do not build"
  local bin
  bin=$(opt_bin)
  # The include paths and macros that the build uses (.bazelrc, third_party/).
  local flags=(-std=c++20 -xc++ -I. -I"${bin}" -I"${bin}/proto" -I"${bin}/bench" -isystem .deps/cpp-httplib
    -DCPPHTTPLIB_LISTEN_BACKLOG=4096 -DCPPHTTPLIB_HEADER_MAX_COUNT=128 -DCPPHTTPLIB_TCP_NODELAY=true
    -DJSON_HAS_FILESYSTEM=0)
  # shellcheck disable=SC2016  # expands in the inner shell, which gets the files as its arguments
  printf '%s\n' "${files[@]}" | tidy_flags="${flags[*]}" xargs -d '\n' -n 2 -P 2 \
    bash -c 'clang-tidy-14 --quiet "$@" -- ${tidy_flags} 2> >(grep -vE "^[0-9]+ warnings? generated" >&2)' tidy
}

check_build_files() {
  source_files '*BUILD.bazel' | xargs -r -d '\n' "${system_python}" scripts/dev/check_build_files.py
}

check_shell() {
  local files
  # Every script that says so in its first line, and the parts of ./dev.
  mapfile -t files < <(source_files | xargs -r -d '\n' grep -lIE -m1 '^(#!.*\b(bash|sh)$|# shellcheck shell=bash)' |
    while IFS= read -r file; do
      ! head -n 1 "${file}" | grep -qE '^(#!.*\b(bash|sh)$|# shellcheck shell=bash)' || printf '%s\n' "${file}"
    done)
  shellcheck -x "${files[@]}"
}

check_yaml() { source_files '*.yaml' '*.yml' | xargs -r -d '\n' "${system_python}" scripts/dev/check_yaml.py; }

# A lock file or setting that names a registry's host ties everybody to it.
check_lock_files() {
  local files
  mapfile -t files < <(source_files '*package-lock.json' '*.npmrc' '*go.sum' '*go.mod' '*requirements*.txt')
  [[ ${#files[@]} -gt 0 ]] || return 0
  if grep -nE '"resolved": *"https?:|^ *(@[^:]+:)?registry *=|--index-url' "${files[@]}" | cut -c1-160; then
    printf 'these name a registry; put omit-lockfile-registry-resolved=true into .npmrc and lock again\n'
    return 1
  fi
}

# Files whose bytes are the point (test inputs, corpora) may end as they like.
check_white_space() {
  local files bad=0
  mapfile -t files < <(source_files ':!*testdata/*' ':!*corpus/*' ':!*.png' | xargs -r -d '\n' grep -lI '')
  if grep -nE '[[:space:]]+$' "${files[@]}" | cut -c1-160; then bad=1; fi
  local file
  for file in "${files[@]}"; do
    if [[ -n $(tail -c 1 "${file}") ]]; then
      printf '%s: no newline at the end\n' "${file}"
      bad=1
    fi
  done
  return "${bad}"
}

check_links() { source_files '*.md' | xargs -r -d '\n' "${system_python}" scripts/dev/check_links.py; }

check_log_events() { "${system_python}" -B scripts/dev/check_log_events.py; }

check_threat_model() { "${system_python}" -B scripts/dev/check_threat_model.py docs/threat-model.md; }

# The tests of what ./dev does itself.
check_dev_scripts() { "${system_python}" -B -m unittest discover -s scripts/dev -p '*_test.py'; }

# Runs every check; each one counts. Fills lint_passed and lint_failed.
run_lint() {
  local scope=$1 check output name code
  local checks=(format build_files shell yaml lock_files white_space links threat_model log_events dev_scripts clang_tidy)
  lint_passed=0 lint_failed=0
  setup_group lint
  for check in "${checks[@]}"; do
    name=${check//_/ }
    # In a shell of its own, so that a check that ends early is only a failed check.
    set +e
    output=$(set -e; "check_${check}" "${scope}" 2>&1 </dev/null)
    code=$?
    set -e
    if [[ ${code} -eq 0 ]]; then
      printf '    ok      %s\n' "${name}"
      lint_passed=$((lint_passed + 1))
    else
      printf '    FAILED  %s\n%s\n' "${name}" "$(printf '%s\n' "${output}" | head -n 200 | sed 's/^/      /')"
      lint_failed=$((lint_failed + 1))
    fi
  done
}

command_lint() {
  local scope=changed
  case "${1:-}" in
    '') ;;
    --all) scope=all ;;
    *) usage_error "lint: unknown argument '$1'" ;;
  esac
  step "lint"
  local lint_passed lint_failed
  run_lint "${scope}"
  [[ ${lint_failed} -eq 0 ]] || die "${lint_failed} of $((lint_passed + lint_failed)) checks failed"
}
