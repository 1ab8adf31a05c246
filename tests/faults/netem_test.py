"""The cases of lossy_test.py over veth devices with the kernel's netem, where the kernel has it."""

import fault
import lossy_test
import network


class OverNetem(lossy_test.LossyPath, fault.Case):
    def make_path(self) -> network.VethPair:
        return network.VethPair()


if __name__ == "__main__":
    fault.main()
