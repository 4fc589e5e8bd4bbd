# shellcheck shell=bash
# ./dev test: everything that CI runs, and the longer checks that are run by hand.
# Sourced by ./dev, which sets this:
: "${root:?}"

# What a bare ./dev test runs, cheapest first.
readonly default_steps=(lint unit examples e2e conformance containers)

# Results so far, over all steps.
total_passed=0 total_failed=0
test_output=.run/test
# How Bazel shows that it is still at it: a line every half minute.
readonly quiet_progress=(--curses=no --color=no --show_progress_rate_limit=30)

# Adds a step's counts to the totals. Takes the step, its passed and failed cases, and when it began.
add_counts() {
  total_passed=$((total_passed + $2))
  total_failed=$((total_failed + $3))
  printf '    %s: %s ok, %s not ok, %s s\n' "$1" "$2" "$3" "$((SECONDS - $4))"
}

step_lint() {
  local began=${SECONDS} lint_passed lint_failed
  run_lint changed
  add_counts lint "${lint_passed}" "${lint_failed}" "${began}"
}

# Runs bazel test and counts its cases. Takes the step's name, then Bazel's options and targets.
run_bazel_tests() {
  local name=$1 began=${SECONDS} code=0 events=${root}/${test_output}/$1.events.json counts passed failed
  shift
  rm -f "${events}"
  bazel_run test --keep_going "${quiet_progress[@]}" --build_event_json_file="${events}" "$@" </dev/null || code=$?
  if [[ ! -s ${events} ]]; then
    printf '    bazel ended with code %s before it ran anything\n' "${code}"
    add_counts "${name}" 0 1 "${began}"
    return 0
  fi
  counts=$(python3 scripts/dev/count_tests.py "${events}")
  printf '%s\n' "${counts}" | sed '$d; s/^/    /'
  read -r passed failed <<<"$(printf '%s\n' "${counts}" | tail -n 1)"
  # A run that failed without a failed case (a library that does not build, say) has failed all the same; so has one
  # that tested nothing.
  if [[ ${failed} -eq 0 && (${code} -ne 0 || ${passed} -eq 0) ]]; then
    printf '    bazel ended with code %s\n' "${code}"
    failed=1
  fi
  add_counts "${name}" "${passed}" "${failed}" "${began}"
}

step_unit() {
  setup_group build
  run_bazel_tests unit -- "${@:-//...}"
}

# Runs a program that ends with a line "N passed, N failed". Takes the step's name and the command.
run_counted() {
  local name=$1 began=${SECONDS} code log=${test_output}/$1.log line passed failed
  shift
  # Its closing line is not ours: add_counts shows it.
  set +e
  "$@" </dev/null 2>&1 | tee "${log}" | grep --line-buffered -vE '^[0-9]+ passed, [0-9]+ failed'
  code=${PIPESTATUS[0]}
  set -e
  line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "${log}" | tail -n 1 || true)
  if [[ ! ${line} =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed ]]; then
    printf '    %s ended with code %s and no count\n' "${name}" "${code}"
    add_counts "${name}" 0 1 "${began}"
    return 0
  fi
  passed=${BASH_REMATCH[1]} failed=${BASH_REMATCH[2]}
  if [[ ${failed} -eq 0 && (${code} -ne 0 || ${passed} -eq 0) ]]; then
    printf '    %s ended with code %s\n' "${name}" "${code}"
    failed=1
  fi
  add_counts "${name}" "${passed}" "${failed}" "${began}"
}

step_e2e() {
  setup_group build
  setup_group e2e
  build_services
  GATEHOUSE_BIN_DIR=$(opt_bin) run_counted e2e tests/e2e/run "$@"
}

step_examples() {
  setup_group examples
  run_counted examples tests/examples/run "$@"
}

step_conformance() {
  setup_group build
  setup_group e2e
  build_services
  GATEHOUSE_BIN_DIR=$(opt_bin) run_counted conformance tests/conformance/run "$@"
}

step_containers() {
  setup_group build
  setup_group containers
  build_services
  # Containers without user namespaces need root.
  run_counted containers as_root env GATEHOUSE_BIN_DIR="$(opt_bin)" tests/containers/run "$@"
}

step_cluster() {
  setup_group build
  setup_group cluster
  build_services
  GATEHOUSE_BIN_DIR=$(opt_bin) run_counted cluster tests/cluster/run "$@"
}

step_sanitizers() {
  local sanitizer sanitizers=("$@")
  [[ ${#sanitizers[@]} -gt 0 ]] || sanitizers=(asan ubsan tsan)
  for sanitizer in "${sanitizers[@]}"; do
    [[ ${sanitizer} =~ ^(asan|ubsan|tsan)$ ]] || usage_error "test sanitizers: one of asan, ubsan, tsan, not '${sanitizer}'"
  done
  setup_group build
  for sanitizer in "${sanitizers[@]}"; do
    step "${sanitizer}"
    run_bazel_tests "${sanitizer}" --config="${sanitizer}" -- //...
  done
}

# Each fuzz target for some seconds under libFuzzer. New inputs and crashes stay in .run/fuzz/<target>/.
step_fuzz() {
  local seconds=${1:-60} targets target bin code corpus work began
  [[ ${seconds} =~ ^[0-9]+$ && ${seconds} -gt 0 ]] || usage_error "test fuzz: seconds must be a positive number, got '${seconds}'"
  setup_group build
  setup_group fuzz
  mapfile -t targets < <(bazel query 'filter("_fuzz$", kind(cc_test, //...))' 2>/dev/null)
  [[ ${#targets[@]} -gt 0 ]] || die "there are no fuzz targets"
  bazel_run build --config=fuzz -- "${targets[@]}" || die "the fuzz targets do not build"
  bin=$(bazel info --config=fuzz bazel-bin 2>/dev/null)
  for target in "${targets[@]}"; do
    began=${SECONDS} code=0
    local path=${target#//}
    path=${path/:/\/}
    work=.run/fuzz/${path//\//_}
    mkdir -p "${work}/corpus"
    # The folder of the committed corpus: that of its first file.
    corpus=$(bazel query "labels(srcs, ${target}_corpus)" 2>/dev/null | head -n 1)
    corpus=${corpus#//}
    corpus=$(dirname "${corpus/:/\/}")
    step "${target}, ${seconds} s, corpus ${corpus}/"
    (cd "${work}" && "${bin}/${path}" -max_total_time="${seconds}" -print_final_stats=1 -verbosity=0 -timeout=10 \
      -rss_limit_mb=2048 corpus "${root}/${corpus}") </dev/null >"${work}/log" 2>&1 || code=$?
    grep -E '^stat::(number_of_executed_units|average_exec_per_sec|new_units_added)' "${work}/log" | sed 's/^/    /' || true
    if [[ ${code} -eq 0 ]]; then
      add_counts "${path##*/}" 1 0 "${began}"
    else
      tail -n 40 "${work}/log" | sed 's/^/    | /'
      printf '    the input is in %s/; when it is mended, add it to %s/\n' "${work}" "${corpus}"
      add_counts "${path##*/}" 0 1 "${began}"
    fi
  done
}

# Builds the optimised services that the end-to-end and container tests start.
build_services() {
  bazel_run build --config=opt "${quiet_progress[@]}" -- //mcp_edge //auth_service \
    //auth_service/doctor:gatehouse-doctor //tool_service/whoami //tool_service/todo //tool_service/conformance \
    </dev/null ||
    die "the services do not build"
}

# The last line, whatever happened before it.
print_totals() {
  local code=$1
  # Ended by an error outside any case (a package that cannot be installed, say).
  if [[ ${code} -ne 0 && ${total_failed} -eq 0 ]]; then total_failed=1; fi
  printf '%s passed, %s failed\n' "${total_passed}" "${total_failed}"
}

# The suite alone, with its matrix; ./dev test has it as a step.
command_conformance() { command_test conformance "$@"; }

command_test() {
  local steps=("${default_steps[@]}") arguments=() name
  if [[ $# -gt 0 ]]; then
    is_step "$1" || usage_error "test: unknown step '$1', one of: lint unit examples e2e conformance containers sanitizers fuzz cluster"
    steps=()
    for name in "$@"; do ! is_step "${name}" || steps+=("${name}"); done
    if [[ ${#steps[@]} -ne $# ]]; then
      # One step, and arguments for it.
      steps=("$1") arguments=("${@:2}")
    fi
  fi
  mkdir -p "${test_output}"
  exec 2>&1  # one stream, so that the count comes last
  trap 'code=$?; trap - EXIT; print_totals "${code}"; exit "${code}"' EXIT
  trap 'exit 130' INT TERM
  # All packages at once: each call of apt-get takes its time. What cannot be installed fails the step that needs it.
  local groups=()
  for name in "${steps[@]}"; do
    case "${name}" in
      lint | fuzz) groups+=(build "${name}") ;;
      e2e | conformance) groups+=(build run e2e) ;;
      examples) groups+=(examples) ;;
      containers | cluster) groups+=(build "${name}") ;;
      *) groups+=(build) ;;
    esac
  done
  (setup_packages "${groups[@]}") || true
  for name in "${steps[@]}"; do
    step "${name}"
    run_step "${name}" "${arguments[@]}"
  done
  [[ ${total_failed} -eq 0 ]] || exit 1
}

is_step() { [[ $1 =~ ^(lint|unit|examples|e2e|conformance|containers|sanitizers|fuzz|cluster)$ ]]; }

# Runs one step in a shell of its own, so that one that cannot go on does not keep the others from running; it counts as
# a failed case then. Takes the step and its arguments.
run_step() {
  local name=$1 counts=${test_output}/counts code passed=0 failed=0
  shift
  rm -f "${counts}"
  set +e
  (
    set -e
    # shellcheck disable=SC2030
    total_passed=0 total_failed=0
    trap 'printf "%s %s\n" "${total_passed}" "${total_failed}" >"${counts}"' EXIT
    "step_${name}" "$@"
  )
  code=$?
  set -e
  [[ ${code} -ne 130 ]] || exit 130
  [[ ! -f ${counts} ]] || read -r passed failed <"${counts}"
  if [[ ${code} -ne 0 && ${failed} -eq 0 ]]; then failed=1; fi
  # shellcheck disable=SC2031  # what the inner shell counted came back through the file
  total_passed=$((total_passed + passed)) total_failed=$((total_failed + failed))
}
