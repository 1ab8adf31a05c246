"""The cases of lossy_test.py over veth devices with the kernel's netem, where the kernel has it; the virtual machine's
has (tests/vm, vm_netem)."""

import os

import fault
import lossy_test
import network


class OverNetem(lossy_test.LossyPath, fault.Case):
    elsewhere = "" if os.environ.get("SAKER_VM") else "; vm_netem has these cases"

    def make_path(self) -> network.VethPair:
        return network.VethPair()


if __name__ == "__main__":
    fault.main()
