// A PKCS #11 driver for tests: SoftHSM, made to look like a device and to fail when told so by SHIM_FAIL. It shows that
// what only hardware does is understood: a slot with CKF_HW_SLOT, a locked PIN, a token that is pulled out.
//   cc -shared -fPIC -o token-shim.so token-shim.c -I/usr/include/p11-kit-1
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdlib.h>
#include <string.h>

static CK_FUNCTION_LIST real, ours;

static int fails(const char *how) {
  const char *wanted = getenv("SHIM_FAIL");
  return wanted && strcmp(wanted, how) == 0;
}

static CK_RV slot_info(CK_SLOT_ID slot, CK_SLOT_INFO *info) {
  CK_RV result = real.C_GetSlotInfo(slot, info);
  if (!fails("software")) info->flags |= CKF_HW_SLOT;
  return result;
}

static CK_RV token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info) {
  CK_RV result = real.C_GetTokenInfo(slot, info);
  if (!fails("known-maker")) {
    memcpy(info->manufacturerID, "Example Devices                 ", 32);
    memcpy(info->model, "Example Key 1   ", 16);
  }
  if (fails("flag-locked")) info->flags |= CKF_USER_PIN_LOCKED;
  return result;
}

static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG count) {
  return fails("locked") ? CKR_PIN_LOCKED : real.C_Login(session, user, pin, count);
}

static CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG size, CK_BYTE *signature, CK_ULONG *count) {
  if (fails("gone")) return CKR_DEVICE_REMOVED;
  CK_RV result = real.C_Sign(session, data, size, signature, count);
  if (fails("wrong")) signature[5] ^= 1;
  if (fails("short")) *count -= 1;
  return result;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list) {
  const char *path = getenv("SHIM_DRIVER");
  void *library = dlopen(path ? path : "libsofthsm2.so", RTLD_NOW);
  if (!library) return CKR_GENERAL_ERROR;
  CK_FUNCTION_LIST *inner;
  CK_RV result = ((CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList"))(&inner);
  if (result != CKR_OK) return result;
  real = ours = *inner;
  ours.C_GetSlotInfo = slot_info;
  ours.C_GetTokenInfo = token_info;
  ours.C_Login = login;
  ours.C_Sign = sign;
  *list = &ours;
  return CKR_OK;
}
