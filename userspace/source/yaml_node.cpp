// SPDX-License-Identifier: Apache-2.0
#include "userspace/source/yaml_node.h"

#include <yaml.h>

#include <algorithm>
#include <map>
#include <string_view>

namespace weir {
namespace {

class Event {
  public:
    Event() = default;
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;
    ~Event() { yaml_event_delete(&raw_); }
    yaml_event_t& raw() { return raw_; }

  private:
    yaml_event_t raw_{};
};

class Parser {
  public:
    Parser(const std::string& text, FileName file, Diagnostics& found)
        : file_(std::move(file)), found_(found) {
        yaml_parser_initialize(&raw_);
        yaml_parser_set_encoding(&raw_, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&raw_, reinterpret_cast<const unsigned char*>(text.data()),
                                     text.size());
    }
    Parser(const Parser&) = delete;
    Parser& operator=(const Parser&) = delete;
    ~Parser() { yaml_parser_delete(&raw_); }

    std::optional<YamlNode> document() {
        std::optional<YamlNode> root;
        for (;;) {
            Event event;
            if (!next(event))
                return std::nullopt;
            switch (event.raw().type) {
                case YAML_STREAM_START_EVENT:
                case YAML_DOCUMENT_END_EVENT: break;
                case YAML_DOCUMENT_START_EVENT:
                    if (root)
                        return refuse(event, "a second document: write one document per file");
                    root = read_next(0);
                    if (!root)
                        return std::nullopt;
                    break;
                case YAML_STREAM_END_EVENT:
                    return root ? std::move(root)
                                : YamlNode{YamlNode::Kind::kNull, {file_, 1, 1}, {}, {}, {}};
                default: return refuse(event, "unexpected YAML");
            }
        }
    }

  private:
    Origin at(const yaml_mark_t& mark) const {
        return {file_, static_cast<int>(mark.line) + 1, static_cast<int>(mark.column) + 1};
    }

    std::optional<YamlNode> refuse(Event& event, const std::string& why) {
        found_.error(at(event.raw().start_mark), why);
        return std::nullopt;
    }

    bool next(Event& event) {
        if (yaml_parser_parse(&raw_, &event.raw()) != 0)
            return true;
        std::string why = raw_.problem == nullptr ? "it cannot be read" : raw_.problem;
        if (raw_.context != nullptr)
            why += std::string(" ") + raw_.context + " (line " +
                   std::to_string(raw_.context_mark.line + 1) + ")";
        found_.error(at(raw_.problem_mark), "not YAML: " + why);
        return false;
    }

    std::optional<YamlNode> read_next(std::size_t depth) {
        Event event;
        if (!next(event))
            return std::nullopt;
        return read(event, depth);
    }

    std::optional<YamlNode> read(Event& event, std::size_t depth) {
        const auto& raw = event.raw();
        if (depth > kYamlDepthMax)
            return refuse(event, "nested more than " + std::to_string(kYamlDepthMax) + " deep");
        if (++nodes_ > kYamlNodesMax)
            return refuse(event,
                          "more than " + std::to_string(kYamlNodesMax) + " values: split the file");
        YamlNode node;
        node.origin = at(raw.start_mark);
        switch (raw.type) {
            case YAML_SCALAR_EVENT: return scalar(event, std::move(node));
            case YAML_SEQUENCE_START_EVENT: return sequence(std::move(node), depth);
            case YAML_MAPPING_START_EVENT: return mapping(std::move(node), depth);
            case YAML_ALIAS_EVENT:
                return refuse(event, "aliases (*name) are not supported: write the value out");
            default: return refuse(event, "unexpected YAML");
        }
    }

    std::optional<YamlNode> scalar(Event& event, YamlNode node) {
        const auto& raw = event.raw().data.scalar;
        node.scalar.assign(reinterpret_cast<const char*>(raw.value), raw.length);
        const bool plain = raw.style == YAML_PLAIN_SCALAR_STYLE;
        const bool null = plain && (node.scalar.empty() || node.scalar == "~" ||
                                    node.scalar == "null" || node.scalar == "Null");
        node.kind = null ? YamlNode::Kind::kNull : YamlNode::Kind::kScalar;
        return node;
    }

    std::optional<YamlNode> sequence(YamlNode node, std::size_t depth) {
        node.kind = YamlNode::Kind::kSequence;
        for (;;) {
            Event event;
            if (!next(event))
                return std::nullopt;
            if (event.raw().type == YAML_SEQUENCE_END_EVENT)
                return node;
            auto item = read(event, depth + 1);
            if (!item)
                return std::nullopt;
            node.items.push_back(std::move(*item));
        }
    }

    std::optional<YamlNode> mapping(YamlNode node, std::size_t depth) {
        node.kind = YamlNode::Kind::kMapping;
        for (;;) {
            Event event;
            if (!next(event))
                return std::nullopt;
            if (event.raw().type == YAML_MAPPING_END_EVENT) {
                drop_repeated(node.entries);
                return node;
            }
            auto key = read(event, depth + 1);
            if (!key)
                return std::nullopt;
            if (key->kind != YamlNode::Kind::kScalar && key->kind != YamlNode::Kind::kNull)
                return refuse(event, "a key must be a plain word");
            auto value = read_next(depth + 1);
            if (!value)
                return std::nullopt;
            node.entries.push_back({std::move(*key), std::move(*value)});
        }
    }

    static bool has_repeated(const std::vector<YamlEntry>& entries) {
        std::vector<std::string_view> keys;
        keys.reserve(entries.size());
        for (const auto& entry : entries)
            keys.emplace_back(entry.key.scalar);
        std::sort(keys.begin(), keys.end());
        return std::adjacent_find(keys.begin(), keys.end()) != keys.end();
    }

    // Said, and the rest is read on: there may be more to say.
    void drop_repeated(std::vector<YamlEntry>& entries) {
        if (!has_repeated(entries))
            return;
        std::map<std::string, int> lines;
        std::vector<YamlEntry> first;
        for (auto& entry : entries) {
            const Origin& origin = entry.key.origin;
            const auto [known, fresh] = lines.emplace(entry.key.scalar, origin.line);
            if (!fresh)
                found_.error(origin, "key \"" + entry.key.scalar +
                                         "\" is written twice, first on line " +
                                         std::to_string(known->second) + ": remove one");
            else
                first.push_back(std::move(entry));
        }
        entries = std::move(first);
    }

    FileName file_;
    Diagnostics& found_;
    yaml_parser_t raw_{};
    std::size_t nodes_ = 0;
};

}  // namespace

std::optional<YamlNode> parse_yaml(const std::string& text, const std::string& file,
                                   Diagnostics& found) {
    return Parser(text, file, found).document();
}

}  // namespace weir
