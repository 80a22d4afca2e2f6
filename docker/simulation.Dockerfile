# Simulation, training and the demo: Python 3.11 and the pinned wheels, no ROS installation.
# Build from the repository's root:  docker build -f docker/simulation.Dockerfile -t muster-simulation .
FROM python:3.11-slim

RUN apt-get update && apt-get install -y --no-install-recommends make && rm -rf /var/lib/apt/lists/*

WORKDIR /muster
COPY . .
ARG PIP_FLAGS="--extra-index-url https://download.pytorch.org/whl/cpu"
RUN make setup PIP_FLAGS="$PIP_FLAGS"

CMD ["make", "demo"]
