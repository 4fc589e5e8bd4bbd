"""Fuzz targets that every `bazel test` replays.

A parser of outside bytes has one fuzz target: a file that defines LLVMFuzzerTestOneInput and aborts when a property does
not hold. Its corpus is a folder of files, one input each; a crash that was found and mended becomes one more file.

    load("//bazel:fuzz.bzl", "cc_fuzz_test")

    cc_fuzz_test(
        name = "jwt_fuzz",
        srcs = ["jwt_fuzz.cc"],
        corpus = glob(["testdata/jwt_fuzz/*"]),
        deps = [":jwt_verifier"],
    )

    bazel test //auth_service/token:jwt_fuzz                # each corpus file, and fixed mutations of it, with gcc
    bazel test --config=asan //auth_service/token:jwt_fuzz  # the same, under a sanitizer
    bazel build --config=fuzz //auth_service/token:jwt_fuzz # clang's libFuzzer with address and undefined behaviour checks;
    mkdir -p /tmp/new && "$(bazel info --config=fuzz bazel-bin)/auth_service/token/jwt_fuzz" \\
        -max_total_time=60 /tmp/new auth_service/token/testdata/jwt_fuzz

`bazel test --config=fuzz` replays the corpus with libFuzzer and ends; to explore, run the binary as above.
"""

def cc_fuzz_test(name, srcs, corpus, deps = [], data = [], size = "small", **kwargs):
    """A fuzz target: a test that replays its corpus, or with --config=fuzz a libFuzzer binary.

    Args:
      name: the target; by convention it ends in `_fuzz`.
      srcs: defines `extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)`, and no main.
      corpus: files, one input each; at least one. No white space in their names.
      deps: what is fuzzed.
      data: further files to be read while running.
      size: of the test.
      **kwargs: passed on to cc_test.
    """
    if not corpus:
        fail("cc_fuzz_test %s: the corpus is empty" % name)
    native.filegroup(
        name = name + "_corpus",
        testonly = True,
        srcs = corpus,
    )
    native.cc_test(
        name = name,
        size = size,
        srcs = srcs,
        args = ["$(rootpaths :%s_corpus)" % name],
        data = data + [":%s_corpus" % name],
        linkopts = select({
            "//bazel:libfuzzer": ["-fsanitize=fuzzer"],
            "//conditions:default": [],
        }),
        deps = deps + select({
            "//bazel:libfuzzer": [],
            "//conditions:default": ["//bazel:fuzz_replay_main"],
        }),
        **kwargs
    )
