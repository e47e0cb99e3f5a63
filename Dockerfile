# syntax=docker/dockerfile:1
# An image of a release, from the archive that `cargo xtask dist` leaves in target/dist:
#   docker build --build-arg VERSION=0.1.0 --tag flamingo .
#   docker run --rm --user "$(id -u)" --volume "$PWD:/work" flamingo ask --image picture.png --text 'Output:'
# Models of the hub are kept in /models: for one that stays, add `--volume "$HOME/.cache/huggingface:/models"`.
# distroless/cc has glibc 2.36 and libgcc_s, so pack with zig, or with `--glibc` 2.36 at most. A program for *-musl is static:
# `--build-arg TARGET=x86_64-unknown-linux-musl --build-arg BASE=gcr.io/distroless/static-debian12`.
ARG BASE=gcr.io/distroless/cc-debian12
FROM ${BASE}

ARG VERSION
ARG TARGET=x86_64-unknown-linux-gnu
# Unpacked by the builder; licences, manual and completions stay beside the program.
ADD target/dist/flamingo-${VERSION}-${TARGET}.tar.gz /opt/
ENV PATH=/opt/flamingo-${VERSION}-${TARGET}:/usr/local/bin:/usr/bin:/bin
# The user must be able to write there.
ENV HF_HOME=/models FLAMINGO_CACHE=/models/flamingo

USER 65532:65532
WORKDIR /work
ENTRYPOINT ["flamingo"]
