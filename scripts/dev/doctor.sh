# shellcheck shell=bash
# ./dev doctor: what is wrong with a provider, and what to do about it. Sourced by ./dev, which sets this:
: "${caller_dir:?}"

# Takes the flags of gatehouse-doctor; without any, looks at the running system.
command_doctor() {
  setup_group build
  bazel_run build --config=opt --ui_event_filters=-info --noshow_progress -- //auth_service/doctor:gatehouse-doctor ||
    die "the build failed; its errors are above"
  local bin arguments=("$@") issuer mcp_url own_provider
  bin=$(opt_bin)
  if [[ $# -eq 0 ]]; then
    load_settings || die "nothing is running: give --issuer URL and --resource URI (--help lists the rest)"
    arguments=(--issuer="${issuer}" --resource="${mcp_url}")
    [[ ${own_provider} == no ]] || arguments+=(--client_id=smartmail)
  fi
  cd "${caller_dir}" || exit  # files are relative to it
  exec "${bin}/auth_service/doctor/gatehouse-doctor" "${arguments[@]}"
}
