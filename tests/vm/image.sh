# shellcheck shell=bash disable=SC2154
# image.sh - sourced by run-in-vm: the guest's kernel and initramfs.
#
# The kernel is Debian's own cloud kernel: fetched with `apt-get download`, unpacked into the cache,
# never installed. The initramfs is a row of cpio archives that the guest's kernel unpacks one after
# the other: a cached base (busybox, modules, init), for nested runs a second cached part (QEMU and
# the inner guest's kernel), and a small one made for each run (the program and its libraries).
# Uses the caller's HERE, CACHE, QEMU, BUSYBOX, tmp, strip_copies, copies, die and unavailable.

readonly KERNEL_META=linux-image-cloud-amd64
readonly MODULES_VIRTIO=(virtio_pci virtio_console)
readonly MODULES_LOOP=(vsock_loopback)               # CID 1
readonly MODULES_GUEST=(vmw_vsock_virtio_transport)  # the inner guest's side of virtio-vsock
readonly MODULES_HOST=(vhost_vsock)                  # the outer guest's side of it
# QEMU's emulator implements AMD's SVM, so KVM works in the outer guest without KVM here, and the
# inner guest runs ten times faster than an emulator in an emulator.
readonly MODULES_KVM=(kvm-amd kvm-intel)
readonly MODULES_NETWORK=(veth sch_netem)            # of --module
readonly MODULES=("${MODULES_VIRTIO[@]}" "${MODULES_LOOP[@]}" "${MODULES_GUEST[@]}" "${MODULES_HOST[@]}"
  "${MODULES_KVM[@]}" "${MODULES_NETWORK[@]}")

# ---- modules -------------------------------------------------------------------------------------
# depends FILE: the modules that the module FILE needs, one a line
depends() {
  local line
  line=$(grep -ao 'depends=[A-Za-z0-9_,-]*' "$1" | head -1) || :
  tr ',' '\n' <<<"${line#depends=}" | sed '/^$/d'
}

# copy_modules TREE DIR NAME...: the named modules and those they need (a built-in one has no file)
copy_modules() {
  local tree=$1 dir=$2 name file needs
  shift 2
  for name in "$@"; do
    [ ! -e "$dir/$name.ko" ] || continue
    file=$(find "$tree" -name "$name.ko")
    [ -n "$file" ] || continue
    cp "$file" "$dir/"
    mapfile -t needs < <(depends "$file")
    copy_modules "$tree" "$dir" "${needs[@]}"
  done
}

# load_order NAME...: module files, dependencies first, since insmod resolves nothing
load_order() {
  local seen=()
  visit_modules "$@"
  [ ${#seen[@]} = 0 ] || printf '%s.ko\n' "${seen[@]}"
}
visit_modules() {
  local name needs
  for name in "$@"; do
    case " ${seen[*]} " in *" $name "*) continue ;; esac
    [ -e "$CACHE/kernel/$name.ko" ] || continue
    mapfile -t needs < <(depends "$CACHE/kernel/$name.ko")
    visit_modules "${needs[@]}"
    seen+=("$name")
  done
}

# ---- kernel --------------------------------------------------------------------------------------
read_le() { od -An "-tu$3" -j "$2" -N"$3" "$1" | tr -d ' '; }  # read_le FILE OFFSET BYTES

# bzImage to ELF (Linux x86 boot protocol: setup_sects, payload_offset, payload_length). QEMU enters
# an ELF kernel directly, so that no guest CPU, emulated perhaps, has to decompress it.
extract_vmlinux() {
  local image=$1 out=$2 offset length
  command -v lz4 >/dev/null || return 0
  offset=$((($(read_le "$image" $((0x1f1)) 1) + 1) * 512 + $(read_le "$image" $((0x248)) 4)))
  length=$(read_le "$image" $((0x24c)) 4)
  [ "$(read_le "$image" "$offset" 4)" = $((0x184c2102)) ] || return 0  # not lz4: boot the bzImage
  tail -c +$((offset + 1)) "$image" | head -c $((length - 4)) | lz4 -dc >"$out" 2>/dev/null || :
  readelf -h "$out" >/dev/null 2>&1 || rm -f "$out"
}

# Prints the path of the kernel package, downloaded unless SAKER_VM_KERNEL_DEB names one.
kernel_package() {
  local name
  if [ -n "${SAKER_VM_KERNEL_DEB:-}" ]; then echo "$SAKER_VM_KERNEL_DEB" && return; fi
  command -v apt-get >/dev/null ||
    unavailable "no apt-get here: set SAKER_VM_KERNEL_DEB to a linux-image-*-cloud-amd64 package"
  name=$(apt-cache depends "$KERNEL_META" 2>/dev/null |
    sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p' | head -1)
  [ -n "$name" ] || unavailable "apt does not know $KERNEL_META; run: apt-get update"
  echo "run-in-vm: fetching $name, once" >&2
  if ! (cd "$tmp/deb" && apt-get download "$name" >"$tmp/apt.log" 2>&1); then
    cat "$tmp/apt.log" >&2
    unavailable "cannot download $name (stale lists? run: apt-get update)"
  fi
  echo "$tmp"/deb/*.deb
}

get_kernel() {
  local package kernel=$tmp/kernel
  if [ "$(cat "$CACHE/kernel/wanted" 2>/dev/null)" = "${MODULES[*]}" ]; then return; fi
  mkdir -p "$tmp/deb" "$tmp/tree" "$kernel"
  package=$(kernel_package) || exit
  dpkg-deb -x "$package" "$tmp/tree" || die "cannot unpack $package"
  cp "$tmp"/tree/boot/vmlinuz-* "$kernel/vmlinuz" || die "$package holds no kernel"
  basename "$tmp"/tree/lib/modules/* >"$kernel/release"
  copy_modules "$tmp/tree/lib/modules" "$kernel" "${MODULES[@]}"
  echo "${MODULES[*]}" >"$kernel/wanted"
  [ -e "$kernel/vsock_loopback.ko" ] || die "$package has no vsock_loopback module"
  extract_vmlinux "$kernel/vmlinuz" "$kernel/vmlinux"
  rm -rf "$CACHE/kernel"
  mv "$kernel" "$CACHE/kernel"
  rm -rf "$tmp/deb" "$tmp/tree"
}

# ---- files for the guest -------------------------------------------------------------------------
pack() { (cd "$1" && find . -mindepth 1 | sort | cpio -o -H newc -R 0:0 --quiet); }

# In the guest /bin, /lib and so on are links into /usr.
guest_path() {
  case $1 in
    /bin/* | /sbin/* | /lib/* | /lib64/*) echo "/usr$1" ;;
    *) echo "$1" ;;
  esac
}

# put ROOT SRC [DST]: a file, or a directory, and the libraries of the ELF files in it
put() {
  local root=$1 src=$2 dst=${3:-} file
  [ -e "$src" ] || die "no such file: $src"
  [ -n "$dst" ] || dst=$(realpath -s "$src")
  dst=$(guest_path "$dst")
  mkdir -p "$root$(dirname "$dst")"
  cp -RLT --preserve=mode,timestamps "$src" "$root$dst"
  while IFS= read -r -d '' file; do
    put_libraries "$root" "$file" "$root$dst${file#"$src"}"
  done < <(find -L "$src" -type f -size +3c -print0)
}

# put_libraries ROOT ELF COPY: the shared libraries of ELF, whose copy under ROOT is COPY
put_libraries() {
  local root=$1 elf=$2 copy=$3 library libraries dst
  [ "$(read_le "$elf" 0 4)" = $((0x464c457f)) ] || return 0
  [ "$strip_copies" = 0 ] || strip -g "$copy" 2>/dev/null || :
  libraries=$(ldd "$elf" 2>/dev/null) || return 0  # static
  case $libraries in *'not found'*) die "$elf misses libraries: $libraries" ;; esac
  while read -r library; do
    dst=$(guest_path "$library")
    [ ! -e "$root$dst" ] || continue
    mkdir -p "$root$(dirname "$dst")"
    cp -L --preserve=mode,timestamps "$library" "$root$dst"
    [ "$strip_copies" = 0 ] || strip -g "$root$dst" 2>/dev/null || :
  done < <(sed -n -e 's/.*=> \(\/[^ ]*\) (0x.*/\1/p' \
    -e 's/^[[:space:]]*\(\/[^ ]*\) (0x.*/\1/p' <<<"$libraries")
}

put_copies() {
  local copy
  for copy in "${copies[@]}"; do
    case $copy in
      *:*) put "$1" "${copy%%:*}" "${copy#*:}" ;;
      *) put "$1" "$copy" ;;
    esac
  done
  mkdir -p "$1$(guest_path "$PWD")"
}

# ---- cached archives -----------------------------------------------------------------------------
# digest FILE...: names a cached archive after what it is made of, so that a change makes a new one
digest() { cat "$@" | sha256sum | cut -c1-16; }

# store ROOT KIND FILE: packs ROOT into the cache as FILE, replacing older archives of its KIND
store() {
  rm -f "$CACHE/$2"-*.cpio
  pack "$1" >"$tmp/$2.cpio"
  mv "$tmp/$2.cpio" "$3"
  rm -rf "$1"
}

get_base() {
  local root=$tmp/base name
  BASE=$CACHE/base-$(digest "$HERE"/{run-in-vm,image.sh,guest-init} "$BUSYBOX" \
    "$CACHE"/kernel/*.ko).cpio
  [ ! -e "$BASE" ] || return 0
  mkdir -p "$root"/usr/{bin,sbin,lib,lib64} "$root"/vm/modules \
    "$root"/{proc,sys,dev,tmp,run,root,etc,var/tmp}
  chmod 1777 "$root/tmp" "$root/var/tmp"
  for name in bin sbin lib lib64; do ln -s "usr/$name" "$root/$name"; done
  cp "$BUSYBOX" "$root/usr/bin/busybox"
  for name in $("$BUSYBOX" --list); do
    [ "$name" = busybox ] || ln -s busybox "$root/usr/bin/$name"
  done
  cp "$CACHE"/kernel/*.ko "$root/vm/modules/"
  install -m 755 "$HERE/guest-init" "$root/init"
  printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' \
    >"$root/etc/passwd"
  printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
  printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts"
  store "$root" base "$BASE"
}

get_nested_base() {
  local root=$tmp/nested file dir
  NESTED_BASE=$CACHE/nested-$(digest "$BASE" "$HERE/guest-nested" "$HERE/guest-directed" "$QEMU" "$KERNEL").cpio
  [ ! -e "$NESTED_BASE" ] || return 0
  mkdir -p "$root/vm" "$root/usr/share/qemu"
  put "$root" "$QEMU" /usr/bin/qemu-system-x86_64
  for file in /usr/lib/*/qemu/accel-tcg-x86_64.so; do  # Debian's emulator is a module
    [ ! -e "$file" ] || put "$root" "$file"
  done
  for file in bios-256k.bin kvmvapic.bin linuxboot_dma.bin pvh.bin; do
    for dir in /usr/share/qemu /usr/share/seabios; do
      [ ! -e "$dir/$file" ] || cp -L "$dir/$file" "$root/usr/share/qemu/"
    done
  done
  cp "$KERNEL" "$root/vm/kernel"
  cp "$BASE" "$root/vm/base.cpio"
  cp "$HERE/guest-nested" "$root/vm/nested.sh"
  cp "$HERE/guest-directed" "$root/vm/directed.sh"
  store "$root" nested "$NESTED_BASE"
}

# fill_cache [nested]: kernel and base archive; sets BASE, KERNEL and, if asked for, NESTED_BASE.
# Several runs at once (ctest -j) fill the cache one after the other.
fill_cache() {
  {
    flock 8
    get_kernel
    get_base
    KERNEL=$CACHE/kernel/vmlinux
    [ -e "$KERNEL" ] || KERNEL=$CACHE/kernel/vmlinuz
    [ -z "${1:-}" ] || get_nested_base
  } 8>"$CACHE/lock"
}
