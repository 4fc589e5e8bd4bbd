#include "tool_service/todo/todo_store.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace tool_service {
namespace {

const Owner kAlice{"https://issuer", "alice"};
const Owner kBob{"https://issuer", "bob"};

TEST(TodoStoreTest, ListsWhatWasAddedInItsOrder) {
  TodoStore store;
  EXPECT_TRUE(store.List(kAlice).empty());
  ASSERT_TRUE(store.Add(kAlice, "milk").ok());
  ASSERT_TRUE(store.Add(kAlice, "bread").ok());
  const std::vector<Todo> list = store.List(kAlice);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].title, "milk");
  EXPECT_EQ(list[1].title, "bread");
  EXPECT_FALSE(list[0].done);
  EXPECT_LT(list[0].id, list[1].id);
}

TEST(TodoStoreTest, NobodyReachesTheListOfAnother) {
  TodoStore store;
  const int64_t id = store.Add(kAlice, "milk")->id;
  const Owner namesake{"https://other", "alice"};
  for (const Owner& other : {kBob, namesake}) {
    EXPECT_TRUE(store.List(other).empty());
    EXPECT_EQ(store.Complete(other, id).status().code(), absl::StatusCode::kNotFound);
    EXPECT_EQ(store.Delete(other, id).code(), absl::StatusCode::kNotFound);
  }
  EXPECT_FALSE(store.List(kAlice)[0].done);
}

TEST(TodoStoreTest, CompletesOnceOrTwiceAndDeletesOnce) {
  TodoStore store;
  const int64_t id = store.Add(kAlice, "milk")->id;
  EXPECT_TRUE(store.Complete(kAlice, id)->done);
  EXPECT_TRUE(store.Complete(kAlice, id)->done);
  EXPECT_TRUE(store.Delete(kAlice, id).ok());
  EXPECT_EQ(store.Delete(kAlice, id).code(), absl::StatusCode::kNotFound);
  EXPECT_GT(store.Add(kAlice, "bread")->id, id);  // an old id never means something new
}

TEST(TodoStoreTest, RefusesWhatIsTooMuch) {
  TodoStore store({.owners = 1, .todos_each = 2, .title_bytes = 5});
  EXPECT_EQ(store.Add(kAlice, "").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(store.Add(kAlice, "123456").status().code(), absl::StatusCode::kInvalidArgument);
  ASSERT_TRUE(store.Add(kAlice, "12345").ok());
  ASSERT_TRUE(store.Add(kAlice, "two").ok());
  EXPECT_EQ(store.Add(kAlice, "three").status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(store.Add(kBob, "one").status().code(), absl::StatusCode::kResourceExhausted);
  for (const Todo& todo : store.List(kAlice)) ASSERT_TRUE(store.Delete(kAlice, todo.id).ok());
  EXPECT_TRUE(store.Add(kBob, "one").ok()) << "an empty list takes no room";
}

}  // namespace
}  // namespace tool_service
