// For --config=asan, in each executable itself. gRPC looks names up with c-ares, which loses ten bytes for each
// look-up; nothing of ours calls it.
extern "C" const char* __lsan_default_suppressions() { return "leak:libcares.so\n"; }  // NOLINT
