#include "http/control_api/lambda_configuration.hpp"

#include <algorithm>
#include <array>
#include <regex>

#include "config/text.hpp"
#include "functions/function_spec.hpp"

namespace troupe::http {

namespace {

constexpr std::size_t max_description = 256;
constexpr std::size_t max_handler = 128;
constexpr std::size_t max_tags = 50;
constexpr std::size_t max_tag_key = 128;
constexpr std::size_t max_tag_value = 256;

/// What this node cannot do, and what to say of it.
constexpr std::array<std::pair<const char*, const char*>, 6> unsupported = {{
    {"Layers", "this node has no layers; put their files into the archive"},
    {"FileSystemConfigs", "this node mounts no file systems for functions"},
    {"KMSKeyArn", "this node does not encrypt environments with keys of its caller"},
    {"CodeSigningConfigArn", "this node does not check signatures of code"},
    {"ImageConfig", "this node runs no container images"},
    {"DurableConfig", "this node has no durable executions"},
}};

bool is_role(const std::string& text) {
  static const std::regex form{R"(arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+)"};
  return text.size() <= 512 && std::regex_match(text, form);
}

bool is_runtime(const std::string& text) {
  static const std::regex form{R"(nodejs(\d{1,3}\.x)?|python3(\.\d{1,3})?)"};
  return std::regex_match(text, form);
}

void read_runtime(lambda_fields& fields, const lambda_surroundings& around, cluster::function_change& change) {
  const auto runtime = fields.text("Runtime");
  if (!runtime)
    return;
  functions::function_spec spec;
  spec.runtime = *runtime;
  if (const auto kind = functions::parse_runtime(*runtime); kind && is_runtime(*runtime)) {
    spec.kind = *kind;
    if (functions::check_installed(spec, around.programs)) {
      change.runtime = *runtime;
      return;
    }
  }
  fields.blame(invalid_parameter("Value " + in_quotes(*runtime) +
                                 " at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: " +
                                 installed_runtimes(around.programs) +
                                 "; others are unknown or not installed on this node"));
}

void read_handler(lambda_fields& fields, cluster::function_change& change) {
  change.handler = fields.text("Handler");
  if (!change.handler)
    return;
  if (change.handler->size() > max_handler)
    return fields.blame(
        validation_fault(*change.handler, "handler", "Member must have length less than or equal to 128"));
  const bool blank = std::any_of(change.handler->begin(), change.handler->end(),
                                 [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; });
  if (blank || change.handler->empty())
    fields.blame(
        validation_fault(*change.handler, "handler", "Member must satisfy regular expression pattern: [^\\s]+"));
}

void read_environment(lambda_fields& fields, cluster::function_change& change) {
  const auto* environment = fields.object("Environment");
  if (environment == nullptr)
    return;
  auto& out = change.environment.emplace();
  lambda_fields inside{*environment, "environment."};
  const auto* variables = inside.object("Variables");
  if (inside.fault())
    return fields.blame(*inside.fault());
  if (variables == nullptr)
    return;
  functions::function_spec spec;
  spec.name = "any";
  spec.handler = "any.thing";
  for (const auto& [name, value] : variables->items()) {
    if (!value.is_string())
      return fields.blame(invalid_content("environment.variables: a value is not a string"));
    out[name] = value.get<std::string>();
  }
  spec.environment = out;
  if (const auto checked = functions::check(spec); !checked)
    fields.blame(invalid_parameter(
        "Lambda was unable to configure your environment variables because the environment variables you have "
        "provided are not allowed: " +
        checked.error().what));
}

/// Objects of which one setting is told again and the others are refused.
void read_settings(lambda_fields& fields, cluster::function_change& change) {
  if (const auto* tracing = fields.object("TracingConfig")) {
    lambda_fields inside{*tracing, "tracingConfig."};
    change.tracing = inside.text("Mode");
    if (change.tracing && *change.tracing != "Active" && *change.tracing != "PassThrough")
      fields.blame(validation_fault(*change.tracing, "tracingConfig.mode",
                                    "Member must satisfy enum value set: [Active, PassThrough]"));
    if (inside.fault())
      fields.blame(*inside.fault());
  }
  if (const auto* storage = fields.object("EphemeralStorage")) {
    lambda_fields inside{*storage, "ephemeralStorage."};
    change.ephemeral_mb = inside.number("Size", 512, 10240);
    if (inside.fault())
      fields.blame(*inside.fault());
  }
  if (const auto* logging = fields.object("LoggingConfig")) {
    lambda_fields inside{*logging, "loggingConfig."};
    if (inside.text("LogFormat").value_or("Text") != "Text")
      fields.blame(invalid_parameter("LoggingConfig: this node writes logs as Text only"));
    if (inside.fault())
      fields.blame(*inside.fault());
  }
}

}  // namespace

std::string installed_runtimes(const functions::runtime_programs& programs) {
  std::string list = "[";
  if (!programs.node.empty())
    list += "nodejs<version>.x";
  if (!programs.python.empty())
    list += list.size() > 1 ? ", python3.<version>" : "python3.<version>";
  return list + "]";
}

void read_configuration(lambda_fields& fields, const lambda_surroundings& around, cluster::function_change& change) {
  change.role = fields.text("Role");
  if (change.role && !is_role(*change.role))
    fields.blame(validation_fault(*change.role, "role",
                                  "Member must satisfy regular expression pattern: "
                                  "arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+"));
  change.description = fields.text("Description");
  if (change.description && change.description->size() > max_description)
    fields.blame(
        validation_fault(*change.description, "description", "Member must have length less than or equal to 256"));
  if (const auto timeout = fields.number("Timeout", 1, 900))
    change.timeout_ms = *timeout * 1000;
  change.memory_mb = fields.number("MemorySize", 128, 10240);
  read_handler(fields, change);
  read_runtime(fields, around, change);
  read_environment(fields, change);
  read_settings(fields, change);
  refuse_unsupported(fields);
}

void refuse_unsupported(lambda_fields& fields) {
  for (const auto& [name, why] : unsupported)
    if (fields.says_something(name))
      fields.blame(invalid_parameter(std::string{name} + ": " + why));
  if (const auto* network = fields.object("VpcConfig")) {
    const lambda_fields inside{*network};
    if (inside.says_something("SubnetIds") || inside.says_something("SecurityGroupIds"))
      fields.blame(invalid_parameter("VpcConfig: this node has no virtual networks"));
  }
  if (const auto* letters = fields.object("DeadLetterConfig"))
    if (lambda_fields{*letters}.says_something("TargetArn"))
      fields.blame(invalid_parameter("DeadLetterConfig: this node has no asynchronous invocation yet"));
  if (const auto* snapshot = fields.object("SnapStart"))
    if (lambda_fields inside{*snapshot}; inside.text("ApplyOn").value_or("None") != "None")
      fields.blame(invalid_parameter("SnapStart: this node takes no snapshots of instances"));
  if (fields.flag("Publish"))
    fields.blame(invalid_parameter("Publish: this node has no versions yet, only $LATEST"));
  if (fields.text("PackageType").value_or("Zip") != "Zip")
    fields.blame(invalid_parameter("PackageType: this node runs no container images, only Zip"));
}

void read_architecture(lambda_fields& fields, cluster::function_change& change) {
  const auto* list = fields.member("Architectures");
  if (list == nullptr)
    return;
  if (!list->is_array() || list->size() != 1 || !(*list)[0].is_string())
    return fields.blame(validation_fault(list->dump(), "architectures", "Member must have length equal to 1"));
  auto name = (*list)[0].get<std::string>();
  if (name != "x86_64" && name != "arm64")
    return fields.blame(
        validation_fault(list->dump(), "architectures", "Member must satisfy enum value set: [x86_64, arm64]"));
  change.architecture = std::move(name);
}

void read_tags(lambda_fields& fields, cluster::function_change& change) {
  const auto* tags = fields.object("Tags");
  if (tags == nullptr)
    return;
  if (tags->size() > max_tags)
    return fields.blame(invalid_parameter("Tags: at most 50 are allowed"));
  for (const auto& [key, value] : tags->items()) {
    if (!value.is_string())
      return fields.blame(invalid_content("tags: a value is not a string"));
    auto text = value.get<std::string>();
    if (key.empty() || key.size() > max_tag_key || text.size() > max_tag_value || key.starts_with("aws:"))
      return fields.blame(invalid_parameter(
          "Tags: keys have 1 to 128 bytes and do not begin with aws:, values at most 256; this is not allowed: " +
          in_quotes(key)));
    change.set_tags[key] = std::move(text);
  }
}

}  // namespace troupe::http
