// For --config=tsan. In each executable itself: in a shared library, libtsan's own empty definition would come first.

// What else follows from libraries that are not instrumented: what they order by atomics looks like a race. These hide
// reports with one of them in a stack; a race of ours alone is still reported.
extern "C" const char* __tsan_default_suppressions() {
  return "race:libgrpc.so\n"
         "race:libgrpc++.so\n"
         "race:grpc::internal::CallOp\n"  // of its headers: what a call was last asked for, ordered by its queue
         "race:libupb.so\n"
         "race:libprotobuf.so\n"
         "race:libcrypto.so\n"
         "race:libssl.so\n"
         "race:libabsl_graphcycles_internal.so\n"
         "race:libabsl_status.so\n"
         "race:libabsl_cord.so\n"
         "race:libabsl_strings.so\n"
         "race:libabsl_time.so\n"
         "called_from_lib:libgrpc.so\n";
}
