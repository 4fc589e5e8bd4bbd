"""The cpp-httplib header that `./dev setup` fetched from Debian's archive, as a repository."""

VERSION = "0.41.0"

# What `./dev setup` fetches (Debian's source archive) and puts in place (its httplib.h). It reads all three from here.
ARCHIVE_SHA256 = "7acb492bffdd95165677d22145c2c4890e6432c5ef53d0f781defe8dec48f567"
HEADER_SHA256 = "e9112546cbae828180f72c2ae6da4bfd8d15ae38138bd99b898e5e30128acc28"

def _cpp_httplib_repository_impl(repository_ctx):
    # The folder of this file's workspace, then the set-up step's place for sources.
    root = repository_ctx.path(Label("//:WORKSPACE")).dirname
    header = root.get_child(".deps").get_child("cpp-httplib").get_child("httplib.h")
    if not header.exists:
        fail("cpp-httplib %s is not in place: run ./dev setup once in this clone" % VERSION)
    repository_ctx.symlink(header, "httplib.h")
    repository_ctx.file("BUILD.bazel", """
cc_library(
    name = "cpp_httplib",
    hdrs = ["httplib.h"],
    # The limits that only a macro can set. One place, so that every user of the header agrees (one-definition rule).
    defines = [
        "CPPHTTPLIB_LISTEN_BACKLOG=4096",
        "CPPHTTPLIB_HEADER_MAX_COUNT=128",
        "CPPHTTPLIB_HEADER_MAX_LENGTH=32768",
        "CPPHTTPLIB_TCP_NODELAY=true",
    ],
    includes = ["."],
    linkopts = ["-lpthread"],
    visibility = ["//visibility:public"],
)
""")

cpp_httplib_repository = repository_rule(
    implementation = _cpp_httplib_repository_impl,
    local = True,
)
