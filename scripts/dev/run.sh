# shellcheck shell=bash
# ./dev up, down, status, logs, token, whoami: the whole system on this machine, on loopback.
# Sourced by ./dev, which sets these:
: "${root:?}" "${caller_dir:?}"

run_dir=.run
# In start order; they are stopped in the reverse order.
services=(provider auth_service whoami todo mcp_edge)

# Puts the tool services that ./dev run-tool started among them, before the edge.
find_services() {
  local file
  services=(provider auth_service whoami todo)
  for file in "${run_dir}"/*.tool; do
    [[ ! -f ${file} ]] || services+=("$(basename "${file}" .tool)")
  done
  services+=(mcp_edge)
}

# How long a service may take from start to ready, and to stop before it is killed, in seconds.
readonly ready_bound=30 stop_bound=15

# When a process started, in clock ticks since boot: tells a process from a later one with the same id. Takes the id.
start_time_of() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

# Prints the process id of a service that runs; fails when it does not. Takes the service.
running_pid() {
  local pid started
  [[ -f ${run_dir}/$1.pid ]] || return 1
  read -r pid started <"${run_dir}/$1.pid"
  [[ -n ${pid} && $(start_time_of "${pid}") == "${started}" ]] || return 1
  # A process that has ended and was not waited for yet does not run.
  [[ $(sed 's/.*) //' "/proc/${pid}/stat" 2>/dev/null | cut -c1) != Z ]] || return 1
  printf '%s\n' "${pid}"
}

# Starts a service in a session of its own, so that Ctrl-C in a terminal reaches only this script. Takes the service and
# its command.
start_service() {
  local service=$1
  shift
  printf '    starting %s\n' "${service}"
  setsid "$@" </dev/null >"${run_dir}/logs/${service}.log" 2>&1 &
  printf '%s %s\n' "$!" "$(start_time_of $!)" >"${run_dir}/${service}.pid"
  disown  # or Bash would have its say when it ends
}

# Stops a service if it runs, and waits for its end. Takes the service.
stop_service() {
  local service=$1 pid waited
  if pid=$(running_pid "${service}"); then
    printf '    stopping %s\n' "${service}"
    kill -TERM "${pid}" 2>/dev/null || true
    for ((waited = 0; waited < stop_bound * 10; ++waited)); do
      running_pid "${service}" >/dev/null || break
      sleep 0.1
    done
    if running_pid "${service}" >/dev/null; then
      printf 'dev: %s did not stop within %s s; killing it\n' "${service}" "${stop_bound}" >&2
      kill -KILL "${pid}" 2>/dev/null || true
    fi
  fi
  rm -f "${run_dir}/${service}.pid"
}

# Stops what runs: the edge first, so that it can finish its calls.
stop_services() {
  local i
  find_services
  for ((i = ${#services[@]} - 1; i >= 0; --i)); do stop_service "${services[i]}"; done
  rm -f "${run_dir}/settings" "${run_dir}"/*.tool
}

# The last lines of a service's log, indented. Takes the service.
log_tail() { tail -n 15 "${run_dir}/logs/$1.log" 2>/dev/null | sed 's/^/    | /' >&2; }

# Reads what the running system was started with into the variables named like its lines; fails when there is none.
load_settings() {
  [[ -f ${run_dir}/settings ]] || return 1
  # shellcheck disable=SC1091  # written by command_up: NAME=value lines, quoted for the shell
  source "${run_dir}/settings"
}

# Whether something accepts connections on a loopback port. Takes the port.
port_is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Where a service says whether it is ready. Takes the service; reads the settings.
ready_url() {
  case "$1" in
    provider) printf 'http://localhost:%s/oidc/.well-known/openid-configuration\n' "${provider_port}" ;;
    auth_service) printf 'http://127.0.0.1:%s/readyz\n' "${auth_admin_port}" ;;
    whoami) printf 'http://127.0.0.1:%s/readyz\n' "${whoami_admin_port}" ;;
    todo) printf 'http://127.0.0.1:%s/readyz\n' "${todo_admin_port}" ;;
    mcp_edge) printf 'http://127.0.0.1:%s/readyz\n' "${admin_port}" ;;
    *) printf 'http://127.0.0.1:%s/readyz\n' "$(cut -d' ' -f2 "${run_dir}/$1.tool")" ;;
  esac
}

is_ready() { curl --noproxy '*' -fsS -m 5 -o /dev/null "$(ready_url "$1")" 2>/dev/null; }

# Waits until a service is ready; otherwise says why it is not, stops everything and ends the script. Takes the service.
await_ready() {
  local service=$1 tries why
  for ((tries = 0; tries < ready_bound * 10; ++tries)); do
    ! is_ready "${service}" || return 0
    if ! running_pid "${service}" >/dev/null; then
      printf 'dev: %s ended at once. The end of its log, %s/logs/%s.log:\n' "${service}" "${run_dir}" "${service}" >&2
      log_tail "${service}"
      stop_services >&2
      die "${service} could not start; the last line above says what to do"
    fi
    sleep 0.1
  done
  why=$(curl --noproxy '*' -sS -m 5 "$(ready_url "${service}")" 2>&1 | head -c 500)
  printf 'dev: %s is not ready after %s s. It says: %s\nThe end of its log, %s/logs/%s.log:\n' \
    "${service}" "${ready_bound}" "${why}" "${run_dir}" "${service}" >&2
  log_tail "${service}"
  stop_services >&2
  if [[ ${service} == auth_service && ${own_provider} == no ]]; then
    die "auth_service could not read the provider's metadata: check --issuer ${issuer} (curl ${issuer}/.well-known/openid-configuration)"
  fi
  die "${service} did not become ready"
}

# Parses the options of `up` into the settings' variables.
parse_up() {
  detach=no own_provider=yes issuer='' opaque_tokens=''
  edge_port=3001 admin_port=9090 auth_port=50051 auth_admin_port=9091
  whoami_port=50052 whoami_admin_port=9092 todo_port=50053 todo_admin_port=9093 provider_port=3100
  while [[ $# -gt 0 ]]; do
    local option=$1 value=''
    shift
    case "${option}" in
      --detach | -d)
        detach=yes
        continue
        ;;
      --*=*)
        value=${option#*=}
        option=${option%%=*}
        ;;
      --*)
        [[ $# -gt 0 ]] || usage_error "up: ${option} needs a value"
        value=$1
        shift
        ;;
      *) usage_error "up: unknown argument '${option}'" ;;
    esac
    case "${option}" in
      --issuer)
        [[ ${value} =~ ^https?://[^[:space:]]+$ ]] || usage_error "up: --issuer must be an http or https URL, got '${value}'"
        issuer=${value}
        own_provider=no
        ;;
      --opaque-tokens)
        [[ ${value} == refuse || ${value} == userinfo ]] ||
          usage_error "up: --opaque-tokens must be refuse or userinfo, got '${value}'"
        opaque_tokens=${value}
        ;;
      --edge-port | --admin-port | --auth-port | --auth-admin-port | --whoami-port | --whoami-admin-port | --todo-port | --todo-admin-port | --provider-port)
        [[ ${value} =~ ^[0-9]{1,5}$ && ${value} -ge 1 && ${value} -le 65535 ]] ||
          usage_error "up: ${option} must be a port from 1 to 65535, got '${value}'"
        local variable=${option#--}
        printf -v "${variable//-/_}" '%s' "${value}"
        ;;
      *) usage_error "up: unknown option '${option}'" ;;
    esac
  done
  if [[ ${own_provider} == yes ]]; then
    issuer=http://localhost:${provider_port}/oidc
    opaque_tokens=${opaque_tokens:-userinfo}
  fi
  opaque_tokens=${opaque_tokens:-refuse}
  mcp_url=http://localhost:${edge_port}/mcp
  sse_url=http://localhost:${edge_port}/sse
}

# Ends the script if a port that we need is taken, or given twice.
check_ports() {
  local flags=(edge-port admin-port auth-port auth-admin-port whoami-port whoami-admin-port todo-port todo-admin-port)
  [[ ${own_provider} == no ]] || flags+=(provider-port)
  local flag variable port taken=0
  declare -A seen=()
  for flag in "${flags[@]}"; do
    variable=${flag//-/_}
    port=${!variable}
    [[ -z ${seen[${port}]:-} ]] || usage_error "up: --${flag} and --${seen[${port}]} are both ${port}"
    seen[${port}]=${flag}
    if port_is_taken "${port}"; then
      printf 'dev: port %s is taken by another program: stop it, or choose another port with --%s N\n' "${port}" "${flag}" >&2
      taken=1
    fi
  done
  [[ ${taken} -eq 0 ]] || exit 1
}

# Prints how to use what runs.
print_welcome() {
  cat <<WELCOME

Gatehouse is ready.

  MCP URL      ${mcp_url}      (clients of 2024-11-05, HTTP+SSE: ${sse_url})
  Provider     ${issuer}
WELCOME
  if [[ ${own_provider} == yes ]]; then
    cat <<WELCOME
  Sign in as   alice or bob, password gatehouse-demo
  Client id    smartmail (third-party: asks for consent) or mailapp (first-party: does not)

Connect a client. The provider registers no clients by itself, like Logto, so each client is told its client id.

  Claude Code    claude mcp add --transport http --client-id smartmail --callback-port 8765 gatehouse ${mcp_url}
                 then /mcp in Claude Code, gatehouse, Authenticate
  VS Code        .vscode/mcp.json:  {"servers": {"gatehouse": {"type": "http", "url": "${mcp_url}"}}}
                 it asks for a client id at sign-in: smartmail, and no secret
  Cursor         .cursor/mcp.json:  {"mcpServers": {"gatehouse": {"url": "${mcp_url}", "auth": {"CLIENT_ID": "smartmail"}}}}
  MCP Inspector  npx @modelcontextprotocol/inspector   transport Streamable HTTP, URL ${mcp_url},
                 Authentication: client id smartmail, then Connect
  curl           curl -s ${mcp_url} -H "Authorization: Bearer \$(./dev token)" \\
                   -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' \\
                   -H 'MCP-Protocol-Version: 2026-07-28' -H 'Mcp-Method: tools/call' -H 'Mcp-Name: whoami' \\
                   -d '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami","arguments":{},"_meta":{
                       "io.modelcontextprotocol/protocolVersion":"2026-07-28",
                       "io.modelcontextprotocol/clientCapabilities":{}}}}'
  No client?     ./dev whoami        an official MCP client signs in and prints the claims

Tools may need scopes: list_todos todo:read, add_todo and complete_todo todo:write, delete_todo todo:delete. A call without them is
answered 403 with what is needed, and a client that can asks the user for it and calls again. alice holds them all, bob todo:read.

  Without        ./dev call add_todo '{"title": "Buy milk"}'
  With           ./dev call --scope "openid todo:write" add_todo '{"title": "Buy milk"}'

WELCOME
  else
    cat <<WELCOME
  Opaque tokens: ${opaque_tokens} (change with --opaque-tokens refuse|userinfo)

At your provider, register ${mcp_url} (and ${sse_url}) as an API resource, so that clients get tokens meant for it, and
an application whose client id you give to your MCP client, with that client's redirect URI. Examples:

  Claude Code    claude mcp add --transport http --client-id CLIENT_ID --callback-port 8765 gatehouse ${mcp_url}
                 (redirect URI http://localhost:8765/callback)
  VS Code        .vscode/mcp.json:  {"servers": {"gatehouse": {"type": "http", "url": "${mcp_url}"}}}
                 (redirect URIs http://127.0.0.1:33418/ and https://vscode.dev/redirect)
  MCP Inspector  npx @modelcontextprotocol/inspector   (redirect URI http://localhost:6274/oauth/callback)

WELCOME
  fi
}

command_up() {
  local service
  # The settings: shared with the functions above, and written to .run/settings.
  local detach own_provider issuer opaque_tokens mcp_url sse_url
  local edge_port admin_port auth_port auth_admin_port whoami_port whoami_admin_port todo_port todo_admin_port provider_port
  parse_up "$@"

  find_services
  for service in "${services[@]}"; do
    if running_pid "${service}" >/dev/null; then
      die "${service} is already running: ./dev status shows what runs, ./dev down stops it"
    fi
  done
  check_ports
  setup_group build
  [[ ${own_provider} == no ]] || setup_group run

  step "building (a first build takes some minutes)"
  bazel_run build --config=opt -- //mcp_edge //auth_service //tool_service/whoami //tool_service/todo ||
    die "the build failed; its errors are above"
  local bin
  bin=$(opt_bin)
  check_ports  # again: the build took a while

  mkdir -p "${run_dir}/logs"
  rm -f "${run_dir}"/*.pid "${run_dir}"/*.tool "${run_dir}"/logs/*.log
  find_services
  declare -p own_provider issuer opaque_tokens mcp_url sse_url edge_port admin_port auth_port auth_admin_port \
    whoami_port whoami_admin_port todo_port todo_admin_port provider_port | sed 's/^declare -- //' >"${run_dir}/settings"
  {
    # First, because ./dev run-tool adds entries at the end.
    printf 'implied_scopes:\n  todo:write: [todo:read]\ntool_services:\n'
    printf '  - name: whoami\n    target: dns:///localhost:%s\n' "${whoami_port}"
    printf '  - name: todo\n    target: dns:///localhost:%s\n' "${todo_port}"
  } >"${run_dir}/tools.yaml"

  step "starting"
  trap 'trap - INT TERM; printf "\n"; step "stopping"; stop_services; exit 130' INT TERM
  if [[ ${own_provider} == yes ]]; then
    start_service provider dev_provider/node dev_provider/bin/provider.js \
      --port="${provider_port}" --resource="${mcp_url}" --resource="${sse_url}"
    await_ready provider
  fi
  # Ctrl-C should not take as long as a rolling update may.
  local common_flags=(--shutdown_grace=5s)
  # Tools believe the edge, by the key that it publishes.
  local tool_flags=("${common_flags[@]}" --principal_keys="http://127.0.0.1:${admin_port}/jwks.json")
  start_service auth_service "${bin}/auth_service/auth_service" "${common_flags[@]}" \
    --port="${auth_port}" --admin_port="${auth_admin_port}" --issuers="${issuer}" \
    --resources="${mcp_url},${sse_url}" --opaque_tokens="${opaque_tokens}"
  start_service whoami "${bin}/tool_service/whoami/whoami" "${tool_flags[@]}" \
    --port="${whoami_port}" --admin_port="${whoami_admin_port}"
  start_service todo "${bin}/tool_service/todo/todo" "${tool_flags[@]}" \
    --port="${todo_port}" --admin_port="${todo_admin_port}"
  start_service mcp_edge "${bin}/mcp_edge/mcp_edge" "${common_flags[@]}" \
    --port="${edge_port}" --admin_port="${admin_port}" --resource="${mcp_url}" \
    --auth_service="dns:///localhost:${auth_port}" --tools_config="${run_dir}/tools.yaml"
  await_ready auth_service
  await_ready whoami
  await_ready todo
  await_ready mcp_edge

  print_welcome
  if [[ ${detach} == yes ]]; then
    trap - INT TERM
    printf 'It runs in the background: ./dev status, ./dev logs -f, ./dev down.\n'
    return 0
  fi
  printf 'Ctrl-C stops everything. In another terminal: ./dev whoami, ./dev token, ./dev status. The logs follow.\n\n'
  follow_until_stopped
}

# Shows the logs as they grow, and reports a service that ends, until a signal stops everything.
follow_until_stopped() {
  follow_logs 0 "${services[@]}" &
  local follower=$! service alive
  trap 'trap - INT TERM; printf "\n"; step "stopping"; kill "${follower}" 2>/dev/null || true; stop_services; exit 130' INT TERM
  declare -A reported=()
  while :; do
    alive=0
    for service in "${services[@]}"; do
      [[ -f ${run_dir}/${service}.pid ]] || continue
      if running_pid "${service}" >/dev/null; then
        alive=$((alive + 1))
      elif [[ -z ${reported[${service}]:-} ]]; then
        reported[${service}]=yes
        printf 'dev: %s has ended; the others go on (Ctrl-C and ./dev up start all again). Its log, %s/logs/%s.log:\n' \
          "${service}" "${run_dir}" "${service}" >&2
        log_tail "${service}"
      fi
    done
    if [[ ${alive} -eq 0 ]]; then
      kill "${follower}" 2>/dev/null || true
      stop_services
      die "every service has ended"
    fi
    sleep 1
  done
}

# Follows logs, each line after its service's name. Takes how many old lines to show, and the services.
follow_logs() {
  local lines=$1 service files=()
  shift
  for service in "$@"; do
    [[ ! -f ${run_dir}/logs/${service}.log ]] || files+=("${run_dir}/logs/${service}.log")
  done
  # The signals end tail, and then awk sees the end of its input.
  exec tail -n "${lines}" -v -F "${files[@]}" 2>/dev/null > >(
    trap '' INT
    exec awk '/^==> .*\.log <==$/ { name = $2; sub(/.*\//, "", name); sub(/\.log$/, "", name); next }
              NF { printf "%-13s %s\n", name, $0; fflush() }'
  )
}

command_down() {
  [[ $# -eq 0 ]] || usage_error "down takes no arguments"
  local service any=no
  find_services
  for service in "${services[@]}"; do ! running_pid "${service}" >/dev/null || any=yes; done
  if [[ ${any} == no ]]; then
    printf 'Nothing is running.\n'
    rm -f "${run_dir}"/*.pid "${run_dir}"/*.tool "${run_dir}/settings"
    return 0
  fi
  step "stopping"
  stop_services
}

command_status() {
  [[ $# -eq 0 ]] || usage_error "status takes no arguments"
  local service pid state address all=0
  local own_provider issuer mcp_url auth_port whoami_port todo_port
  if ! load_settings; then
    printf 'Nothing is running. ./dev up --detach starts it.\n'
    return 1
  fi
  find_services
  for service in "${services[@]}"; do
    case "${service}" in
      provider) address=${issuer} ;;
      auth_service) address=grpc://localhost:${auth_port} ;;
      whoami) address=grpc://localhost:${whoami_port} ;;
      todo) address=grpc://localhost:${todo_port} ;;
      mcp_edge) address=${mcp_url} ;;
      *) address=grpc://localhost:$(cut -d' ' -f1 "${run_dir}/${service}.tool") ;;
    esac
    if [[ ${service} == provider && ${own_provider} == no ]]; then
      printf '%-13s %-10s %-12s %s\n' provider external - "${address}"
      continue
    fi
    pid=- state='not running'
    if pid=$(running_pid "${service}"); then
      if is_ready "${service}"; then state=ready; else state='not ready'; fi
    fi
    [[ ${state} == ready ]] || all=1
    printf '%-13s %-10s pid %-8s %s\n' "${service}" "${state}" "${pid:--}" "${address}"
  done
  return "${all}"
}

command_logs() {
  local follow=no wanted=() argument
  find_services
  for argument in "$@"; do
    case "${argument}" in
      -f | --follow) follow=yes ;;
      provider | auth_service | whoami | todo | mcp_edge) wanted+=("${argument}") ;;
      edge) wanted+=(mcp_edge) ;;
      auth) wanted+=(auth_service) ;;
      *)
        [[ " ${services[*]} " == *" ${argument} "* ]] ||
          usage_error "logs: unknown service '${argument}', one of: ${services[*]}"
        wanted+=("${argument}")
        ;;
    esac
  done
  [[ ${#wanted[@]} -gt 0 ]] || wanted=("${services[@]}")
  compgen -G "${run_dir}/logs/*.log" >/dev/null || die "there are no logs yet: ./dev up starts the services"
  if [[ ${follow} == yes ]]; then
    follow_logs 20 "${wanted[@]}"
  fi
  local service
  for service in "${wanted[@]}"; do
    [[ ! -f ${run_dir}/logs/${service}.log ]] || tail -n 50 "${run_dir}/logs/${service}.log" | sed "s/^/$(printf '%-13s ' "${service}")/"
  done
}

command_token() {
  local own_provider issuer mcp_url
  load_settings || die "nothing is running: start it with ./dev up (or ./dev up --detach)"
  [[ ${own_provider} == yes ]] || die "token works with the development provider only, and the running system uses ${issuer}"
  setup_group run >&2
  local argument arguments=(--issuer="${issuer}" --resource="${mcp_url}")
  for argument in "$@"; do
    # The options of token.js; the last one given counts, but --opaque and --resource exclude each other.
    [[ ${argument} != --opaque ]] || arguments=(--issuer="${issuer}")
  done
  exec dev_provider/node dev_provider/bin/token.js "${arguments[@]}" "$@"
}

command_whoami() {
  local own_provider issuer mcp_url
  load_settings || die "nothing is running: start it with ./dev up (or ./dev up --detach)"
  [[ ${own_provider} == yes ]] || die "whoami signs in at the development provider, and the running system uses ${issuer}"
  setup_npm_project dev_provider >&2
  setup_npm_project tests/e2e >&2
  exec dev_provider/node tests/e2e/bin/whoami.js --url="${mcp_url}" "$@"
}

command_images() {
  setup_group build
  setup_group containers
  build_services
  local argument
  for argument in "$@"; do  # a tool service of one's own
    [[ ! ${argument} =~ ^[a-z0-9_]+$ || ! -f tool_service/${argument}/main.cc ]] ||
      bazel_run build --config=opt -- "//tool_service/${argument}" || die "the build failed; its errors are above"
  done
  exec images/build --bin "$(opt_bin)" "$@"
}

command_bench() {
  local argument
  for argument in "$@"; do
    [[ ${argument} != -h && ${argument} != --help ]] || exec bench/run --help
  done
  setup_group build
  setup_group bench
  step "building"
  bazel_run build --config=opt -- //bench/... //mcp_edge //auth_service //tool_service/whoami ||
    die "the build failed; its errors are above"
  local bin
  bin=$(opt_bin)
  cd "${caller_dir}" || exit # --json FILE is relative to it
  exec "${root}/bench/run" --bin "${bin}" "$@"
}
