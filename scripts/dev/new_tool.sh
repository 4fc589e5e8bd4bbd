# shellcheck shell=bash
# ./dev new-tool, run-tool, call: a tool service of your own, from nothing to an answer. Sourced by ./dev after
# run.sh and lint.sh, which set these:
: "${run_dir:?}" "${ready_bound:?}" "${system_python:?}"

# Ends the script if a name cannot be that of a tool service of one's own. Takes the name.
check_tool_name() {
  [[ $1 =~ ^[a-z][a-z0-9]*(_[a-z0-9]+)*$ && ${#1} -le 48 ]] ||
    die "'$1' is no name for a tool: 1 to 48 characters of a-z, 0-9 and single _ inside, beginning with a letter, like word_count"
  case $1 in
    # Their process ids, logs, pods and images are found by these names; `edge` and `auth` are short for two of them.
    provider | auth | auth_service | edge | mcp_edge | whoami | conformance | sdk)
      die "'$1' is a part of Gatehouse: choose another name, like $1_lookup"
      ;;
  esac
}

# Writes a tool service. Takes its name.
command_new_tool() {
  [[ $# -eq 1 && $1 != -* ]] || usage_error "new-tool takes one name, like: ./dev new-tool word_count"
  local name=$1 file folder=tool_service/$1 service=${1//_/-} type='' part
  check_tool_name "${name}"
  for part in ${name//_/ }; do type+=${part^}; done
  for file in "${folder}" "deploy/${name}.yaml"; do
    [[ ! -e ${file} ]] || die "${file} exists already: choose another name, or remove it; nothing was written"
  done

  step "writing"
  mkdir "${folder}"
  local template target
  for template in BUILD.bazel main.cc tool.h tool.cc tool_test.cc; do
    target=${template}
    [[ ${template} != tool* ]] || target=${name}_${template}
    sed -e "s/@NAME@/${name}/g; s/@TYPE@/${type}/g; s/@GUARD@/${name^^}/g" "scripts/dev/new_tool/${template}.in" >"${folder}/${target}"
    printf '    %s\n' "${folder}/${target}"
  done
  # The same pod as whoami's but for the names.
  {
    printf '# The tool %s:\n' "${name}"
    printf '# ServiceAccount, Service, Deployment, HorizontalPodAutoscaler, PodDisruptionBudget, NetworkPolicy. Add the service to\n'
    printf '# config.yaml, and its image to kustomize/ if you use that. The edge reaches pods of component tool-service on port 50052.\n'
    sed -e '1,/^apiVersion/{/^#/d}' -e "s/whoami/${service}/g" deploy/whoami.yaml
  } >"deploy/${name}.yaml"
  printf '    deploy/%s.yaml\n' "${name}"

  if running_pid mcp_edge >/dev/null; then
    command_run_tool "${name}"
  else
    printf '\nNothing is running here; ./dev up --detach starts the system, and ./dev run-tool %s adds this tool to it.\n' "${name}"
  fi
  cat <<NEXT

  its test        ./dev test unit //${folder}/...
  call it         ./dev call ${name} '{"name":"Ada"}'
  after a change  ./dev run-tool ${name}
  what next       docs/writing-a-tool.md
  in Kubernetes   ./dev images ${name}, then in deploy/config.yaml, under tool_services:
                      - name: ${service}
                        target: dns:///${service}.gatehouse.svc.cluster.local:50052
NEXT
}

# Two ports on loopback that are free, the second for the admin server.
free_ports() {
  local port
  for ((port = 50060; port < 50160; ++port)); do
    if ! port_is_taken "${port}" && ! port_is_taken "$((port - 40960))" && ! grep -qs ":${port}\$" "${run_dir}/tools.yaml"; then
      printf '%s %s\n' "${port}" "$((port - 40960))"
      return 0
    fi
  done
  die "no port between 50060 and 50159 is free"
}

# Writes the edge's list of tool services again: an entry that is there keeps its place. The edge never sees half a list.
# Takes the service, and its port; without one, the entry becomes a comment.
write_entry() {
  local list=${run_dir}/tools.yaml
  awk -v name="$1" -v port="${2:-}" '
    /^#?  - name: / { mine = $NF == name; found = found || mine }
    mine {
      sub(/^#/, "")
      if (port == "") $0 = "#" $0
      else if (/^    target: /) sub(/:[0-9]+$/, ":" port)
    }
    { print }
    END { if (!found && port != "") printf "  - name: %s\n    target: dns:///localhost:%s\n", name, port }
  ' "${list}" >"${list}.new"
  mv "${list}.new" "${list}"
}

# How often the edge has read its list.
count_reads() { grep -c '"event":"tool_services_file_read"' "${run_dir}/logs/mcp_edge.log" || true; }

# Takes a service out of the edge's list, if it is there. What the edge says of it afterwards is about the new process: it
# would say nothing of a service that is back before it was missed.
withdraw_entry() {
  local reads tries
  grep -qx "  - name: $1" "${run_dir}/tools.yaml" || return 0
  reads=$(count_reads)
  write_entry "$1"
  for ((tries = 0; tries < 50; ++tries)); do  # it looks once in a second
    [[ $(count_reads) -eq ${reads} ]] || return 0
    sleep 0.1
  done
}

# Builds a tool service, starts it (again), and tells the running edge of it. Takes its name.
command_run_tool() {
  [[ $# -eq 1 && $1 != -* ]] || usage_error "run-tool takes the name of a folder of tool_service/"
  local name=$1 service=${1//_/-} port admin_port edge_admin_port tries log_size
  check_tool_name "${name}"
  [[ -f tool_service/${name}/main.cc ]] || die "there is no tool service in tool_service/${name}; ./dev new-tool ${name} writes one"
  running_pid mcp_edge >/dev/null || die "nothing is running: start it with ./dev up --detach"
  setup_group build
  step "building"
  bazel_run build --config=opt -- "//tool_service/${name}" || die "the build failed; its errors are above"

  step "starting"
  withdraw_entry "${service}"
  if [[ -f ${run_dir}/${name}.tool ]]; then
    read -r port admin_port <"${run_dir}/${name}.tool"
    stop_service "${name}"
  else
    read -r port admin_port < <(free_ports)
    printf '%s %s\n' "${port}" "${admin_port}" >"${run_dir}/${name}.tool"
  fi
  # What ./dev up has written; read apart, since `admin_port` there is that of the edge.
  edge_admin_port=$(load_settings && printf '%s' "${admin_port}") || true
  start_service "${name}" "$(opt_bin)/tool_service/${name}/${name}" --shutdown_grace=5s --port="${port}" --admin_port="${admin_port}" \
    --audience="${service}" --principal_keys="http://127.0.0.1:${edge_admin_port:-9090}/jwks.json"
  for ((tries = 0; tries < ready_bound * 10; ++tries)); do
    ! is_ready "${name}" || break
    if ! running_pid "${name}" >/dev/null; then
      log_tail "${name}"
      rm -f "${run_dir}/${name}.tool" "${run_dir}/${name}.pid"
      die "${name} could not start; the last line above says what to do"
    fi
    sleep 0.1
  done
  is_ready "${name}" || die "${name} is not ready after ${ready_bound} s; ./dev logs ${name}"

  log_size=$(stat -c %s "${run_dir}/logs/mcp_edge.log")
  write_entry "${service}" "${port}"
  "${system_python}" scripts/dev/edge_verdict.py "${run_dir}/logs/mcp_edge.log" "${log_size}" "${service}" ||
    die "${name} runs, but the edge does not have all of it in its list; when that is mended: ./dev run-tool ${name}"
  printf '    %s answers on port %s, and the edge has it in its list\n' "${name}" "${port}"
}

# Calls a tool of the running system as a client of MCP 2026-07-28, signed in as alice unless --user says otherwise.
command_call() {
  local mcp_url token token_options=()
  while [[ ${1:-} == --scope || ${1:-} == --user ]]; do
    [[ $# -ge 2 ]] || usage_error "call: $1 needs a value"
    token_options+=("$1" "$2")
    shift 2
  done
  [[ $# -ge 1 && $1 != -* ]] || usage_error "call takes the name of a tool, then its arguments as JSON"
  load_settings || die "nothing is running: start it with ./dev up (or ./dev up --detach)"
  token=$(command_token "${token_options[@]}")
  exec env GATEHOUSE_TOKEN="${token}" "${system_python}" scripts/dev/call_tool.py "${mcp_url}" "$@"
}
