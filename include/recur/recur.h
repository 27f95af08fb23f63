/** recur: fused recurrent networks on CUDA devices. The whole C interface. C11; no CUDA header needed. @file */
#ifndef RECUR_RECUR_H
#define RECUR_RECUR_H

#include "recur/device.h"
#include "recur/layer.h"
#include "recur/linear.h"
#include "recur/optim.h"
#include "recur/sequence.h"
#include "recur/status.h"
#include "recur/weights.h"

#endif /* RECUR_RECUR_H */
