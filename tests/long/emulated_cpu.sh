#!/usr/bin/env bash
# Runs opcheck and the unit tests over vector code on an emulated processor with AVX-512, AVX512_BF16 and AMX, for hosts
# without them: bochs, an interpreter of every instruction, boots Linux with the programs in its initramfs.
# Usage: tests/long/emulated_cpu.sh [BUILD_DIR [LEVEL ...]]      levels: avx512 avx512bf16 amx unless named
#   OPS="gemm_bf16 layernorm" and TESTS="test_bf16" choose; BOCHS, KERNEL and LIMIT (seconds of one boot) may be set.
# Needs: apt-get install bochsbios vgabios busybox-static isolinux syslinux-common xorriso cpio, and
#   BOCHS: bochs 3.0 with AVX-512 and AMX, which Debian 12 lacks. In its source (bochs_3.0+dfsg.orig.tar.xz of Debian 13):
#     bash .../tests/long/mend_bochs.sh && ./configure --with-nogui --enable-x86-64 --enable-avx --enable-evex \
#       --enable-amx --enable-all-optimizations --disable-docbook && make
#   KERNEL: a Linux image from 5.16 on (`apt-get download` a linux-image-*-cloud-amd64, `dpkg -x` it: boot/vmlinuz-*).
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${1:-$root/build}
shift $(($# > 0))
levels=${*:-avx512 avx512bf16 amx}
bochs=${BOCHS:-bochs} limit=${LIMIT:-7200}
for kernel in "${KERNEL:-}" /boot/vmlinuz-*; do [ ! -f "$kernel" ] || break; done
ops=${OPS-gemm layernorm attention gelu add scale colsum cast copy zero normalise patchify embed pool l2norm siglip softmax adamw sqsum}
tests=${TESTS-test_device test_resize test_pp test_image test_augment test_optimizer test_parity}
bios=/usr/share/bochs/BIOS-bochs-latest vgabios=/usr/share/vgabios/vgabios.bin
loader=(/usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32)

missing() { echo "emulated_cpu: no $1: the head of this script says how to get it"; exit 77; }
for program in "$bochs" busybox xorriso cpio; do command -v "$program" > /dev/null || missing "$program"; done
for file in "$bios" "$vgabios" "${loader[@]}"; do [ -f "$file" ] || missing "$file"; done
[ -f "$kernel" ] || missing "kernel image, name one in KERNEL"
[ -x "$build/tests/opcheck/opcheck" ] || missing "$build/tests/opcheck/opcheck"
"$bochs" --help cpu 2>&1 | grep sapphire_rapids > /dev/null || missing "sapphire_rapids in $bochs"

work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill -9 "$pid" 2> /dev/null || true; rm -rf "$work"' EXIT

guest_init() {
    cat <<'INIT'
#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /tmp /root
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs tmp /tmp
exec > /dev/ttyS0 2>&1 < /dev/null
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 OMP_WAIT_POLICY=passive CMOCKA_MESSAGE_OUTPUT=TAP RINS_SOURCE_ROOT=/job
grep -q avx512_bf16 /proc/cpuinfo || echo "not ok - AVX512_BF16 in the guest"
grep -q amx_bf16 /proc/cpuinfo || echo "not ok - AMX-BF16 in the guest"
prove() { echo "# $*"; "$@" || echo "not ok - $* ended with $?"; }
cd /job && . ./commands
echo "# end of the guest's work after $(cut -d' ' -f1 /proc/uptime) s"
sleep 3
poweroff -f
INIT
}

mkdir -p "$work"/root/{bin,lib,lib64,job/tests} "$work"/iso/isolinux
cp "$(command -v busybox)" "$work/root/bin/busybox"
guest_init > "$work/root/init"
chmod +x "$work/root/init"
cp -r "$root/tests/golden" "$work/root/job/tests/"
programs=("$build/tests/opcheck/opcheck")
for name in $tests; do programs+=("$build/tests/$name"); done
cp "${programs[@]}" "$work/root/job/"
ldd "${programs[@]}" | grep -oE '/[^ :]+\.so[^ :]*' | sort -u | while read -r library; do
    case $library in */ld-linux*) cp -L "$library" "$work/root/lib64/" ;; *) cp -L "$library" "$work/root/lib/" ;; esac
done
for level in $levels; do
    echo "export RINS_CPU=$level"
    for op in $ops; do echo "prove ./opcheck --top --threads 1 --op $op"; done
    for name in $tests; do echo "prove ./$name"; done
done > "$work/root/job/commands"

(cd "$work/root" && find . | cpio -o -H newc --quiet > "$work/iso/initrd")
cp "$kernel" "$work/iso/vmlinuz"
cp "${loader[@]}" "$work/iso/isolinux/"
# clearcpuid=580 (FSRM): with rep movs said to be slow, as bochs does, Linux 6.1's memmove is wrong below 32 bytes.
cat > "$work/iso/isolinux/isolinux.cfg" <<'CFG'
default guest
label guest
  kernel /vmlinuz
  append initrd=/initrd rdinit=/init console=ttyS0 quiet loglevel=3 clearcpuid=580 no5lvl nokaslr mitigations=off no_timer_check tsc=reliable
CFG
xorriso -as mkisofs -quiet -o "$work/cd.iso" -b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot \
    -boot-load-size 4 -boot-info-table "$work/iso" 2> /dev/null
cat > "$work/bochsrc" <<RC
config_interface: textconfig
display_library: nogui
cpu: model=sapphire_rapids, count=1, ips=200000000, reset_on_triple_fault=0, ignore_bad_msrs=1
memory: guest=2048, host=2048
romimage: file=$bios, options=fastboot
vgaromimage: file=$vgabios
ata0-master: type=cdrom, path=$work/cd.iso, status=inserted
boot: cdrom
clock: sync=none, time0=1700000000
com1: enabled=1, mode=file, dev=$work/serial
log: $work/log
panic: action=fatal
error: action=ignore
RC

touch "$work/serial"
timeout "$limit" "$bochs" -q -f "$work/bochsrc" < /dev/null > "$work/console" 2>&1 &
pid=$!
tail -f -n +1 --pid=$pid "$work/serial"
wait $pid || true # it ends with an error also where the guest powers off
pid=
grep -q "^# end of the guest's work" "$work/serial" || echo "not ok - the guest came to its end in $limit s" | tee -a "$work/serial"
count() { grep -E "$1" "$work/serial" | grep -vc '# SKIP' || true; }
failed=$(count '^not ok') passed=$(count '^ok')
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
