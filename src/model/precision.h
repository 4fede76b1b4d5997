/* The number format of the towers' products, and what "auto" means on a device. */
#ifndef RINS_MODEL_PRECISION_H
#define RINS_MODEL_PRECISION_H

#include "src/device/device.h"

typedef enum RinsPrecision { RINS_PRECISION_FP32, RINS_PRECISION_BF16 } RinsPrecision;
enum { RINS_PRECISION_AUTO = RINS_PRECISION_BF16 + 1 }; /* as a wish only */

extern const char *const rins_precision_names[]; /* fp32 bf16 auto, NULL */

/* auto: bf16 where the device has it in hardware. RINS_ERR_UNSUPPORTED where bf16 is asked for and it has not. */
RinsStatus rins_precision_choose(int wanted, const RinsDevice *dev, RinsPrecision *precision);

#endif
