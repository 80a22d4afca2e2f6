"""ROS 2 nodes of the swarm: messages in, one decision of `muster_core`, messages out."""
