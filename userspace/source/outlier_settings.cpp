// SPDX-License-Identifier: Apache-2.0
#include "userspace/source/outlier_settings.h"

#include "userspace/model/answers.h"
#include "userspace/source/fields.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t kConsecutiveFailures = 3;

// Leave `value` as it is where the field is missing or wrong.
void read_count(const MappingReader& reader, std::string_view name, std::uint64_t high,
                std::uint16_t& value, Diagnostics& found) {
    const auto* node = reader.find(name);
    if (node == nullptr)
        return;
    const std::string quoted = "`" + std::string(name) + "` of ";
    if (node->scalar == "0")
        return found.error(node->origin, quoted.c_str() + reader.what() +
                                             " is 0, with which it could do nothing: leave it out, "
                                             "or `outlierDetection`, or write 1 or more");
    if (const auto read = read_number(*node, quoted.c_str() + reader.what(), 1, high, found))
        value = static_cast<std::uint16_t>(*read);
}

void read_ms(const MappingReader& reader, std::string_view name, std::chrono::milliseconds low,
             std::uint32_t& value, Diagnostics& found) {
    const auto* node = reader.find(name);
    if (node == nullptr)
        return;
    const std::string quoted = "`" + std::string(name) + "` of ";
    if (const auto read = read_duration(*node, quoted.c_str() + reader.what(), low, 5min, found))
        value = static_cast<std::uint32_t>(read->count());
}

// A time, or "off": no answers are owed, by DNS neither.
void read_answer_timeout(const MappingReader& reader, Service& service, Diagnostics& found) {
    const auto* node = reader.find("answerTimeout");
    if (node == nullptr)
        return;
    if (!has_udp(service))
        found.error(reader.origin_of("answerTimeout"),
                    "`answerTimeout` of " + reader.what() +
                        " is for UDP ports, of which there are none: remove this line, or give a "
                        "port `protocol: UDP`");
    std::uint32_t answer_ms = 0;
    if (node->scalar != "off")
        read_ms(reader, "answerTimeout", 100ms, answer_ms, found);
    service.outliers.answer_ms = answer_ms;
}

void complain_of_what_does_nothing(const MappingReader& reader, const OutlierDetection& outliers,
                                   Diagnostics& found) {
    for (const std::string name : {"interval", "minConnections"})
        if (outliers.fail_percent == 0 && reader.find(name) != nullptr)
            found.error(reader.origin_of(name), ("`" + name + "` of ").c_str() + reader.what() +
                                                    " does nothing without `failurePercent`: give "
                                                    "both, or neither");
    if (outliers.min_in_percent != 0 && outliers.min_in_percent + outliers.max_percent <= 100)
        found.error(reader.origin_of("minHealthPercent"),
                    "`minHealthPercent` of " + reader.what() +
                        " does nothing: no more than `maxEjectionPercent` (" +
                        std::to_string(outliers.max_percent) + ") are ever out; raise that above " +
                        std::to_string(100 - outliers.min_in_percent) + ", or remove this line");
}

}  // namespace

void read_outlier_detection(const YamlNode& node, Service& service, Diagnostics& found) {
    const MappingReader reader(
        node, "`outlierDetection` of " + quoted("service", service.name),
        {"consecutiveFailures", "failurePercent", "interval", "minConnections", "baseEjectionTime",
         "maxEjectionPercent", "minHealthPercent", "answerTimeout"},
        found);
    auto& outliers = service.outliers;
    outliers.consecutive_failures = kConsecutiveFailures;
    service.origins.outliers = node.origin;
    read_count(reader, "consecutiveFailures", 1000, outliers.consecutive_failures, found);
    read_count(reader, "failurePercent", 100, outliers.fail_percent, found);
    read_count(reader, "minConnections", 10'000, outliers.fail_least, found);
    read_ms(reader, "interval", 1s, outliers.window_ms, found);
    read_ms(reader, "baseEjectionTime", 100ms, outliers.base_ms, found);
    read_answer_timeout(reader, service, found);
    read_count(reader, "maxEjectionPercent", 100, outliers.max_percent, found);
    read_count(reader, "minHealthPercent", 100, outliers.min_in_percent, found);
    complain_of_what_does_nothing(reader, outliers, found);
}

}  // namespace weir
