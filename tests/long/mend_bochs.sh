#!/usr/bin/env bash
# Edits the source of bochs 3.0 (LGPL 2, not part of this project) to what emulated_cpu.sh needs. In the source's folder:
#     bash .../tests/long/mend_bochs.sh
# No arithmetic changes but that of VCVTNE2PS2BF16. Places are line numbers: only the files of 3.0 are taken.
set -euo pipefail
mend() { sed -i "$@"; }

sha256sum --quiet -c - <<'SUMS' || { echo "mend_bochs: these are not the sources of bochs 3.0, or mended already"; exit 1; }
5586b6e9bbdf65622b3e88d90a5713c8d5a02c7f9ddb0b633d579bfb7721da2d  cpu/cpuid.cc
46de05843d00f045b0bec6e13b7f406f34427bbecc84f46200a18921b19273a1  cpu/msr.cc
cf64b232a179eb5c36e27eb57b71186f2d6c0e5b05c7e85839578f6d02ced26d  cpu/avx/amx.cc
6ebb5512a51fc73ca1d2bf99afc31108edea53efe422842199e0484da8738f55  cpu/xsave.cc
c3bb90618c41c1b3d88da532d596ab7b53c5e4ed6530f76eaf03c3605474eccf  cpu/avx/avx512_bf16.cc
0e5d4955555bacc7e30c9ddbe813ae36634326e4de60800e7d3221109ad5e510  cpu/icache.h
1b240d7cc424c021cf7b0c20eec60e979c59f76c5df38e24f4ff5e5fa9f605c2  cpu/decoder/fetchdecode_opmap_avx.cc
SUMS

# Extended feature disable (IA32_XFD, IA32_XFD_ERR), without which Linux keeps AMX off; of the one processor.
mend -e '262a\      if (subfunction == 18) leaf->ecx |= 1 << 2;' \
     -e '238a\#if BX_SUPPORT_AMX\n    if (is_cpu_extension_supported(BX_ISA_AMX)) leaf->eax |= 1 << 4;\n#endif' cpu/cpuid.cc
mend -e '30a\Bit64u bx_xfd = 0, bx_xfd_err = 0;' \
     -e '111a\#if BX_SUPPORT_AMX\n  msr_desc[BX_MSR_IA32_XFD] = new MSR_Descriptor("MSR_IA32_XFD", BX_ISA_AMX);\n  msr_desc[BX_MSR_IA32_XFD_ERROR] = new MSR_Descriptor("MSR_IA32_XFD_ERR", BX_ISA_AMX);\n#endif' \
     -e '336a\#if BX_SUPPORT_AMX\n    case BX_MSR_IA32_XFD: val64 = bx_xfd; break;\n    case BX_MSR_IA32_XFD_ERROR: val64 = bx_xfd_err; break;\n#endif' \
     -e '958a\#endif\n#if BX_SUPPORT_AMX\n    case BX_MSR_IA32_XFD: bx_xfd = val_64 \& (1 << 18); break;\n    case BX_MSR_IA32_XFD_ERROR: bx_xfd_err = val_64 \& (1 << 18); break;' cpu/msr.cc
mend -e '32a\extern Bit64u bx_xfd, bx_xfd_err;' \
     -e '191a\  if (bx_xfd) { bx_xfd_err = bx_xfd; exception(BX_NM_EXCEPTION, 0); }' \
     -e '211a\  if (bx_xfd) { bx_xfd_err = bx_xfd; exception(BX_NM_EXCEPTION, 0); }' cpu/avx/amx.cc
# XSAVE: where rows and bytes of a row lie, all 16 rows of a tile, and "in use" the right way round.
mend -e '1142s/rows/bytes_per_row/' -e '1143s/bytes_per_row/rows/' -e '1175s/TILE_REGISTERS/TILE_MAX_ROWS/' \
     -e '1186s/TILE_REGISTERS/TILE_MAX_ROWS/' -e '1203s/==/!=/' cpu/xsave.cc
# The second half of VCVTNE2PS2BF16 reads its own operand from the start.
mend '70s/vmm32u(n)/vmm32u(n - DWORD_ELEMENTS(len))/' cpu/avx/avx512_bf16.cc
# Traces of a page that is written to are looked for to the end, with AMX too.
mend 255d cpu/icache.h
# STTILECFG is VEX.W0.
mend 1010s/VEX_W1/VEX_W0/ cpu/decoder/fetchdecode_opmap_avx.cc
