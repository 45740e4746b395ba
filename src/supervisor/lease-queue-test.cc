#include "supervisor/lease-queue.h"

#include <gtest/gtest.h>
#include <kj/debug.h>

namespace mayfly::supervisor {
namespace {

class LeaseQueueTest : public testing::Test {
public:
  ~LeaseQueueTest() noexcept override {}

protected:
  using Slot = kj::Promise<LeaseSlot>;

  LeaseSlot take(LeaseTenant& tenant) { return tenant.acquire().wait(waitScope); }
  bool served(Slot& wait) { return wait.poll(waitScope); }
  kj::String refusal(Slot wait) {
    KJ_IF_MAYBE (e, kj::runCatchingExceptions([&]() { wait.wait(waitScope); })) {
      return kj::str(e->getType() == kj::Exception::Type::OVERLOADED ? "overloaded " : "",
                     e->getDescription());
    }
    return kj::str("was not refused");
  }
  void advance(kj::Duration time) {
    timer.advanceTo(timer.now() + time);
    waitScope.poll();
  }

  kj::EventLoop loop;
  kj::WaitScope waitScope{loop};
  kj::TimerImpl timer{kj::origin<kj::TimePoint>()};
  LeaseQueue queue{timer,
                   {.total = 4, .perTenant = 2, .maxWaiting = 3, .maxWait = 5 * kj::SECONDS}};
  kj::Own<LeaseTenant> shop = queue.newTenant();
  kj::Own<LeaseTenant> desk = queue.newTenant();
  kj::Own<LeaseTenant> mail = queue.newTenant();
};

TEST_F(LeaseQueueTest, ASlotIsHeldUntilItIsDestroyed) {
  {
    auto first = take(*shop);
    auto moved = kj::mv(first);
    EXPECT_EQ(shop->live(), 1u);
    EXPECT_EQ(queue.live(), 1u);
  }
  EXPECT_EQ(shop->live(), 0u);
  EXPECT_EQ(queue.live(), 0u);
}

TEST_F(LeaseQueueTest, WithinATenantFirstComeIsFirstServed) {
  kj::Maybe<LeaseSlot> a = take(*shop), b = take(*shop);
  auto first = shop->acquire(), second = shop->acquire();
  EXPECT_FALSE(served(first));
  a = nullptr;
  EXPECT_FALSE(served(second));
  EXPECT_TRUE(served(first));
  b = nullptr;
  EXPECT_TRUE(served(second));
}

TEST_F(LeaseQueueTest, ATenantAtItsShareDoesNotHoldUpTheOthers) {
  auto a = take(*shop), b = take(*shop);
  auto waits = shop->acquire();
  auto other = desk->acquire();
  EXPECT_TRUE(served(other));
  EXPECT_FALSE(served(waits));
}

TEST_F(LeaseQueueTest, BetweenTenantsItGoesInTurns) {
  kj::Maybe<LeaseSlot> held[] = {take(*shop), take(*shop), take(*desk), take(*desk)};
  auto mail1 = mail->acquire(), mail2 = mail->acquire();
  auto shop1 = shop->acquire();
  held[0] = nullptr;  // mail is the one that has had nothing
  EXPECT_TRUE(served(mail1) != served(shop1));
  held[1] = nullptr;
  EXPECT_TRUE(served(mail1));
  EXPECT_TRUE(served(shop1));
  EXPECT_FALSE(served(mail2));
}

TEST_F(LeaseQueueTest, WhoStopsWaitingIsOutOfTheQueue) {
  kj::Maybe<LeaseSlot> a = take(*shop), b = take(*shop);
  {
    auto abandoned = shop->acquire();
    EXPECT_EQ(shop->waiting(), 1u);
  }
  EXPECT_EQ(shop->waiting(), 0u);
  auto next = shop->acquire();
  a = nullptr;
  EXPECT_TRUE(served(next));
}

TEST_F(LeaseQueueTest, ASlotGivenToOneWhoLeavesBeforeTakingItGoesToTheNext) {
  kj::Maybe<LeaseSlot> a = take(*shop), b = take(*shop);
  kj::Maybe<Slot> leaving = shop->acquire();
  auto next = shop->acquire();
  a = nullptr;  // the promise is fulfilled, and nobody has looked yet
  leaving = nullptr;
  EXPECT_TRUE(served(next));
}

TEST_F(LeaseQueueTest, WaitsAreBoundedInNumberAndTime) {
  auto a = take(*shop), b = take(*shop);
  Slot waits[] = {shop->acquire(), shop->acquire(), shop->acquire()};
  EXPECT_EQ(refusal(shop->acquire()),
            "overloaded ERR_TENANT_LIMIT: this worker holds 2 sandboxes, and 3 loads wait for "
            "another one already");
  advance(5 * kj::SECONDS);
  EXPECT_EQ(refusal(kj::mv(waits[0])),
            "overloaded ERR_TENANT_LIMIT: this worker holds 2 sandboxes, as many as it may; none "
            "became free within 5 s");
  EXPECT_EQ(shop->waiting(), 0u);
}

TEST_F(LeaseQueueTest, WhoWaitsForTheTotalIsToldSo) {
  LeaseSlot held[] = {take(*shop), take(*shop), take(*desk), take(*desk)};
  auto wait = mail->acquire();
  advance(5 * kj::SECONDS);
  EXPECT_EQ(refusal(kj::mv(wait)),
            "overloaded ERR_OVERLOADED: all 4 sandboxes are taken; none became free within 5 s");
}

TEST_F(LeaseQueueTest, AShortageOfItsOwnShareIsToldToTheTenantAlone) {
  LeaseSlot held[] = {take(*shop), take(*shop), take(*desk)};
  auto atShop = shop->shortage(), atDesk = desk->shortage();
  EXPECT_FALSE(atShop.poll(waitScope));
  auto wait = shop->acquire();
  EXPECT_EQ(atShop.wait(waitScope), 1u);
  EXPECT_FALSE(atDesk.poll(waitScope));
}

TEST_F(LeaseQueueTest, AShortageOfAllIsToldToAllWhoHoldSomething) {
  LeaseSlot held[] = {take(*shop), take(*shop), take(*desk), take(*desk)};
  auto atShop = shop->shortage(), atMail = mail->shortage();
  auto wait = mail->acquire();
  EXPECT_EQ(atShop.wait(waitScope), 1u);
  EXPECT_EQ(desk->shortage().wait(waitScope), 1u);  // asked before it listened
  EXPECT_FALSE(atMail.poll(waitScope));
}

TEST_F(LeaseQueueTest, ASandboxThatFallsIdleDuringAShortageIsAskedFor) {
  LeaseSlot held[] = {take(*shop), take(*shop)};
  auto nothingYet = shop->shortage();
  shop->fellIdle();
  EXPECT_FALSE(nothingYet.poll(waitScope));
  auto wait = shop->acquire();
  EXPECT_EQ(nothingYet.wait(waitScope), 1u);
  auto again = shop->shortage();
  EXPECT_FALSE(again.poll(waitScope));
  shop->fellIdle();
  EXPECT_EQ(again.wait(waitScope), 1u);
}

}  // namespace
}  // namespace mayfly::supervisor
