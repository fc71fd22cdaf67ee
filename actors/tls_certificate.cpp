#include "actors/tls_certificate.hpp"

#include <openssl/x509v3.h>

#include <algorithm>
#include <string_view>

namespace troupe::actors {

namespace {

constexpr std::size_t max_shown = 64;

struct names_freer {
  void operator()(GENERAL_NAMES* names) const noexcept { GENERAL_NAMES_free(names); }
};

std::string_view view_of(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

bool is_printable(char c) {
  return c > 0x20 && c < 0x7f;
}

}  // namespace

std::vector<std::string> dns_names_of(const X509* certificate) {
  std::vector<std::string> names;
  const std::unique_ptr<GENERAL_NAMES, names_freer> all{
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr))};
  for (int i = 0; all != nullptr && i < sk_GENERAL_NAME_num(all.get()); ++i) {
    int kind = 0;
    const auto* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(all.get(), i), &kind);
    if (kind != GEN_DNS)
      continue;
    const auto name = view_of(static_cast<const ASN1_STRING*>(value));
    if (!name.empty() && std::all_of(name.begin(), name.end(), is_printable))
      names.emplace_back(name);
  }
  return names;
}

std::string subject_of(const X509* certificate) {
  const auto* subject = certificate == nullptr ? nullptr : X509_get_subject_name(certificate);
  const int at = subject == nullptr ? -1 : X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0)
    return "(no name)";
  std::string name{view_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))).substr(0, max_shown)};
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !is_printable(c) && c != ' '; }, '?');
  return name;
}

}  // namespace troupe::actors
