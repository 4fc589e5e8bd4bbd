"""How the gRPC port is secured: TLS from files, or clear text where that is safe or was asked for. The flags of every
Gatehouse service."""

import ipaddress

import grpc


def add_flags(parser):
    parser.add_argument("--grpc_security", choices=["auto", "tls", "plaintext"], default="auto",
                        help="auto: TLS if the files are named, otherwise clear text on loopback only (default)")
    parser.add_argument("--tls_cert_file",
                        help="PEM file with the certificate, its chain after it; read again when it changes")
    parser.add_argument("--tls_key_file", help="PEM file with its private key")
    parser.add_argument("--tls_ca_file", help="PEM file with the authorities that clients must have a certificate of")


def is_loopback(host):
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def server_credentials(options):
    """The credentials of a server, or None for clear text. Raises ValueError with the flag to set, and OSError."""
    if bool(options.tls_cert_file) != bool(options.tls_key_file):
        raise ValueError("--tls_cert_file and --tls_key_file must be set together")
    if options.grpc_security == "plaintext" or (options.grpc_security == "auto" and not options.tls_cert_file):
        if options.tls_cert_file or options.tls_ca_file:
            raise ValueError("--grpc_security=plaintext uses no certificates" if options.tls_cert_file
                             else "--tls_ca_file needs --tls_cert_file and --tls_key_file")
        if options.grpc_security == "auto" and not is_loopback(options.host):
            raise ValueError(f"--host={options.host} can be reached from outside, in clear text: set --tls_cert_file "
                             "and --tls_key_file, or say --grpc_security=plaintext if you trust the network")
        return None
    if not options.tls_cert_file:
        raise ValueError("--grpc_security=tls needs --tls_cert_file and --tls_key_file")

    def read():
        files = []
        for name in (options.tls_key_file, options.tls_cert_file, options.tls_ca_file):
            if name:
                with open(name, "rb") as file:
                    files.append(file.read())
        key, certificate, *authorities = files
        return key, certificate, *authorities

    current = read()

    def configure(files):
        key, certificate, *authorities = files
        root_certificates = authorities[0] if authorities else None
        return grpc.ssl_server_certificate_configuration([(key, certificate)], root_certificates=root_certificates)

    def fetch():
        """Called for each connection. None: as before."""
        nonlocal current
        try:
            files = read()
        except OSError:
            return None
        if files == current:
            return None
        current = files
        return configure(files)

    must_have_one = bool(options.tls_ca_file)
    return grpc.dynamic_ssl_server_credentials(configure(current), fetch, require_client_authentication=must_have_one)
