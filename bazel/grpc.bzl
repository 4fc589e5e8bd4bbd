"""C++ code for protobuf messages and gRPC services, with the system's protoc and grpc_cpp_plugin."""

def _generate_impl(ctx):
    root = ctx.label.package
    outputs = []
    for src in ctx.files.srcs:
        stem = src.short_path[len(root) + 1:-len(".proto")]
        outs = [
            ctx.actions.declare_file(stem + suffix)
            for suffix in [".pb.h", ".pb.cc", ".grpc.pb.h", ".grpc.pb.cc"]
        ]
        outputs += outs
        out_dir = outs[0].path[:-len(stem + ".pb.h") - 1]
        ctx.actions.run_shell(
            inputs = ctx.files.srcs,
            outputs = outs,
            command = " ".join([
                "protoc",
                "-I" + root,
                "-I/usr/include",
                "--cpp_out=" + out_dir,
                "--grpc_out=" + out_dir,
                "--plugin=protoc-gen-grpc=/usr/bin/grpc_cpp_plugin",
                src.path,
            ]),
            mnemonic = "GrpcCpp",
            progress_message = "Generating C++ for %s" % src.short_path,
            use_default_shell_env = True,
        )
    return [
        DefaultInfo(files = depset(outputs)),
        OutputGroupInfo(
            headers = depset([f for f in outputs if f.extension == "h"]),
            sources = depset([f for f in outputs if f.extension == "cc"]),
        ),
    ]

_generate = rule(
    implementation = _generate_impl,
    attrs = {"srcs": attr.label_list(allow_files = [".proto"], mandatory = True)},
)

def cc_grpc_library(name, srcs, visibility = None):
    """A cc_library of the messages and services in `srcs`.

    Args:
      name: the library; a user includes "gatehouse/<package>/v1/<file>.grpc.pb.h".
      srcs: .proto files below this package, which is also their import root.
      visibility: of the library.
    """
    _generate(name = name + "_generated", srcs = srcs)
    for group in ["headers", "sources"]:
        native.filegroup(
            name = name + "_" + group,
            srcs = [":" + name + "_generated"],
            output_group = group,
        )
    native.cc_library(
        name = name,
        srcs = [":" + name + "_sources"],
        hdrs = [":" + name + "_headers"],
        copts = ["-w"],  # generated code is not ours to mend
        includes = ["."],
        visibility = visibility,
        deps = ["//third_party:grpc"],
    )
